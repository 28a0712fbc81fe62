#!/usr/bin/env bash
# Builds the compiled core with AddressSanitizer and UndefinedBehaviorSanitizer, in a copy of
# the checkout that is thrown away, and gives it every file of FOLDER (a corpus) as it is, with
# each method, and then COUNT seeded mutations.
#
#   tests/fuzz/sanitize.sh [-n COUNT] [-s SEED] [-j JOBS] [-k DIR] [FOLDER]
#   tests/fuzz/sanitize.sh -a TARGET [-k DIR] [libFuzzer's options and folders]
#
#   -n  mutations (50000)        -s  their seed (1)        -j  processes (all cores)
#   -k  build in DIR, keep it, and take what was built there before (delete it after a change)
#   -a  instead: coverage-guided fuzzing of TARGET by atheris, with the compiled core's coverage
#
# Needs a C compiler with both sanitizers (CC: gcc or clang; -a wants clang), and PYTHON,
# python3 if not set; the Python packages come from the package index. Exit status 1 if anything
# was reported. A report ends the process that it is in; the run goes on, says which input it
# was, and keeps it. No check is switched off and no code exempted: what Cython adds passes too.
set -euo pipefail

usage() {
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"
  exit 2
}

# What git tracks or would track, so that no build of the checkout's own comes along.
copy_checkout() {
  (
    cd "$checkout"
    git ls-files -z --cached --others --exclude-standard |
      while IFS= read -r -d '' file; do [ ! -f "$file" ] || printf '%s\0' "$file"; done |
      tar --null --files-from=- -cf -
  ) | tar -xf - -C "$1"
}

# The compiler's flags, and the runtime that must be loaded before Python.
choose_flags() {
  local checks=address,undefined
  runtime='' flags=''
  if [ -n "$target" ]; then
    checks+=,fuzzer-no-link # atheris brings the runtime
  elif [[ $CC == *clang* ]]; then
    flags=-shared-libasan
    runtime=$("$CC" -print-file-name="libclang_rt.asan-$(uname -m).so")
  else
    runtime="$("$CC" -print-file-name=libasan.so) $("$CC" -print-file-name=libubsan.so)"
  fi
  flags="-fsanitize=$checks -fno-sanitize-recover=undefined $flags"
}

build() {
  "${PYTHON:-python3}" -m venv "$work/venv"
  "$python" - "$work/tree/pyproject.toml" >"$work/needs.txt" <<'END'
import sys, tomllib
project = tomllib.load(open(sys.argv[1], "rb"))
print(*project["build-system"]["requires"], *project["project"]["dependencies"], "pillow", sep="\n")
END
  "$python" -m pip install -q -r "$work/needs.txt" ${target:+atheris}
  CFLAGS="-g -fno-omit-frame-pointer $flags" LDFLAGS="$flags" \
    "$python" -m pip install -q --no-build-isolation --no-deps -e "$work/tree"
  touch "$work/built"
}

mutate() {
  LD_PRELOAD=$runtime nice "$python" -m tests.fuzz.mutate --jobs "$jobs" --seed "$seed" \
    --crashes "$checkout/tests/fuzz/crashes" "$@"
}

main() {
  local count=50000 seed=1 keep='' target='' jobs argument option status=0 paths=()
  jobs=$(getconf _NPROCESSORS_ONLN)
  while getopts n:s:j:k:a:h option; do
    case $option in
      n) count=$OPTARG ;;
      s) seed=$OPTARG ;;
      j) jobs=$OPTARG ;;
      k) keep=$OPTARG ;;
      a) target=$OPTARG ;;
      *) usage ;;
    esac
  done
  shift $((OPTIND - 1))
  for argument; do # paths are taken in another folder from here on
    [ ! -e "$argument" ] || argument=$(cd "$(dirname "$argument")" && pwd)/$(basename "$argument")
    paths+=("$argument")
  done
  checkout=$(cd "$(dirname "$0")/../.." && pwd)
  work=${keep:-$(mktemp -d)}
  mkdir -p "$work/tree"
  work=$(cd "$work" && pwd)
  case $work/ in "$checkout"/*) echo 'DIR must lie outside the checkout' && exit 2 ;; esac
  [ -n "$keep" ] || trap 'rm -rf "$work"' EXIT
  python=$work/venv/bin/python
  export CC=${CC:-${target:+clang}}
  CC=${CC:-gcc}
  choose_flags
  if [ ! -e "$work/built" ]; then
    copy_checkout "$work/tree"
    build
  fi
  cp "$checkout"/tests/fuzz/*.py "$work/tree/tests/fuzz/"
  local modules
  modules=$(cd "$work/tree" && find jpegredact -name '_*_cy.py' | wc -l)
  [ "$modules" = "$(cd "$work/tree" && find jpegredact -name '_*_cy.*.so' | wc -l)" ] || {
    echo 'not every compiled module was built'
    exit 1
  }

  export ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=16:allocator_may_return_null=1:malloc_context_size=3
  export UBSAN_OPTIONS=print_stacktrace=1
  export PYTHONMALLOC=malloc JPEGREDACT_FUZZ_SLACK=${JPEGREDACT_FUZZ_SLACK:-20}
  cd "$work/tree"
  if [ -n "$target" ]; then
    LD_PRELOAD=$("$python" -c 'import atheris; print(atheris.path())')/asan_with_fuzzer.so \
      "$python" -m tests.fuzz.run_atheris "$target" \
      -artifact_prefix="$checkout/tests/fuzz/crashes/local/" "${paths[@]}"
    exit
  fi
  if [ ${#paths[@]} -gt 0 ]; then
    mutate --undamaged "${paths[@]}" >"$work/undamaged.txt" || status=1
    cat "$work/undamaged.txt"
  fi
  mutate --count "$count" "${paths[@]}" >"$work/mutated.txt" || status=1
  cat "$work/mutated.txt"
  echo "sanitizers (address, undefined; $CC), $modules compiled modules:"
  if [ ${#paths[@]} -gt 0 ]; then tail -n 1 "$work/undamaged.txt"; fi
  tail -n 1 "$work/mutated.txt"
  exit $status
}

main "$@"
