# Shared by scripts/run and scripts/test: which packages are needed, and how to build. Sourced by
# bash at the top of the repository, never run; it talks on stderr only.
# shellcheck shell=bash

# Debian's and Ubuntu's names. Everything that the program needs, then what only the tests and benches need.
build_packages=(g++ cmake ninja-build pkg-config libfmt-dev libspdlog-dev nlohmann-json3-dev libcli11-dev
  libcurl4-openssl-dev libssl-dev libutf8proc-dev libedit-dev libzip-dev libboost-dev zlib1g-dev libzstd-dev ca-certificates python3 python3-pip)
# shellcheck disable=SC2034 # read by scripts/test
test_packages=(libgtest-dev libgmock-dev libbenchmark-dev clang-16 libfuzzer-16-dev libclang-rt-16-dev clang-format-16 binutils shellcheck
  python3-venv)
# shellcheck disable=SC2034
cross_packages=(g++-aarch64-linux-gnu qemu-user libfmt-dev:arm64 libspdlog-dev:arm64 libssl-dev:arm64 libgtest-dev:arm64
  libgmock-dev:arm64)

say() { printf '%s\n' "$*" >&2; }

# has_node: Node.js as npm's clients need it, which the package lists above leave out: Debian's own is older.
has_node() { command -v npm > /dev/null && node -e 'process.exit(parseInt(process.version.slice(1)) < 20 ? 1 : 0)' 2> /dev/null; }

# print_install_commands [DEBIAN PACKAGE…]: for scripts/run unless packages are given.
print_install_commands() {
  local packages=("$@")
  [ "$#" -gt 0 ] || packages=("${build_packages[@]}")
  say "sparrow needs some packages, and this script cannot install them here. One of these does it:"
  say "  sudo apt-get update && sudo apt-get install -y ${packages[*]}"
  say "  sudo dnf install -y gcc-c++ cmake ninja-build pkgconf fmt-devel spdlog-devel json-devel cli11-devel libcurl-devel openssl-devel utf8proc-devel libedit-devel libzip-devel boost-devel zlib-devel libzstd-devel python3 python3-pip"
  say "  sudo pacman -S --needed gcc cmake ninja pkgconf fmt spdlog nlohmann-json cli11 curl openssl libutf8proc libedit libzip boost zlib zstd python python-pip"
  say "  brew install cmake ninja pkg-config fmt spdlog nlohmann-json cli11 curl openssl utf8proc libedit libzip boost zlib zstd python"
}

# Installs what is missing of the given Debian packages: as root, or through sudo. Needs no rights
# where they are all there. Elsewhere: 0 if there is no apt-get (the configure step finds out what
# is missing), else 1 with the commands printed.
ensure_packages() {
  local missing=() package
  command -v apt-get > /dev/null && command -v dpkg-query > /dev/null || return 0
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ "${#missing[@]}" -eq 0 ] && return 0
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    # sudo may ask for its password only where somebody can answer.
    if command -v sudo > /dev/null && { sudo -n true 2> /dev/null || { [ -t 0 ] && [ -t 2 ]; }; }; then
      as_root=(sudo)
    else
      print_install_commands "${missing[@]}"
      return 1
    fi
  fi
  say "Installing: ${missing[*]}"
  local log
  log=$(mktemp)
  if ! { "${as_root[@]}" apt-get update -qq \
    && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } > "$log" 2>&1 < /dev/null; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    say "apt-get could not install them."
    print_install_commands "${missing[@]}"
    return 1
  fi
  rm -f "$log"
}

# As many compilers at once as there are cores, and 1.5 GB of memory for each.
build_jobs() {
  local cores memory_kb jobs
  cores=$(getconf _NPROCESSORS_ONLN 2> /dev/null || echo 2)
  memory_kb=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo 2> /dev/null || true)
  jobs=$((${memory_kb:-8000000} / 1500000))
  if [ "$jobs" -gt "$cores" ]; then jobs=$cores; fi
  if [ "$jobs" -lt 1 ]; then jobs=1; fi
  echo "$jobs"
}

# configure PRESET FOLDER [CMAKE ARGUMENT…]: with Ninja as the preset says, with make where there is
# no Ninja. A folder keeps the generator it began with.
configure() {
  local preset=$1 folder=$2 generator=()
  shift 2
  if [ -f "$folder/CMakeCache.txt" ]; then
    generator=(-G "$(sed -n 's/^CMAKE_GENERATOR:INTERNAL=//p' "$folder/CMakeCache.txt")")
  elif ! command -v ninja > /dev/null; then
    generator=(-G "Unix Makefiles")
  fi
  cmake --preset "$preset" "${generator[@]}" "$@"
}

# configure_and_build PRESET [CMAKE ARGUMENT…] -- [TARGET…]: quiet unless it fails.
configure_and_build() {
  local preset=$1 folder=build arguments=() log
  [ "$preset" = release ] || folder=build-$preset
  shift
  while [ "$#" -gt 0 ] && [ "$1" != "--" ]; do arguments+=("$1"); shift; done
  [ "$#" -gt 0 ] && shift
  log=$(mktemp)
  if ! { configure "$preset" "$folder" "${arguments[@]}" && cmake --build "$folder" --parallel "$(build_jobs)" ${1:+--target "$@"}; } > "$log" 2>&1 < /dev/null; then
    grep -nE 'error|Error|FAILED|not found|Could not' "$log" | head -n 20 >&2 || true
    tail -n 30 "$log" >&2
    say "The whole build log: $log"
    return 1
  fi
  rm -f "$log"
}
