"""Property tests of the guarantees G1 to G7, one file each, checked by other readers than ours."""
