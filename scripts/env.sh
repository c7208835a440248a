# Read by the scripts in this folder (". scripts/env.sh" with $root set): finds Python and makes .venv.
# Not here: what goes into .venv and when it is made again (environment.py).

# A Python of another project must not lend its packages to ours.
unset PYTHONPATH PYTHONHOME

# Our matrices are tiny: threads of the linear algebra library cost more than they give.
export OPENBLAS_NUM_THREADS="${OPENBLAS_NUM_THREADS:-1}"

# Prints the first Python >= 3.11 that works. The pins were resolved on 3.11, so that one comes first.
# Setting PYTHON to a command chooses another.
find_python() {
    for candidate in ${PYTHON:+"$PYTHON"} python3.11 python3 python3.12 python3.13 python3.14 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            command -v "$candidate"
            return 0
        fi
    done
    echo "plimsoll needs Python 3.11 or newer, and none was found on PATH. Install it, or set PYTHON to its path." >&2
    return 1
}

# environment run|dev: makes sure that .venv in the checkout holds the pinned packages of requirements/<set>.txt
# and the project itself; at once where it already does.
environment() {
    python=$(find_python)
    "$python" "$root/scripts/environment.py" "$1"
}
