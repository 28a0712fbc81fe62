"""An independent referee: finds every picture in a file, and says whether it shows a region.

Nothing in here imports jpegredact, but for `report`: it redacts to have something to judge.
"""
