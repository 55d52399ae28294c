# Packages of another Debian suite, without touching the machine's own apt:
# sourced by the scripts that need one package of a newer suite, or a source
# package.  Lists, cache and the derived source entry live under build/apt.

apt_root=${APT_ROOT:-$PWD/build/apt}


apt_sudo()
{
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}


apt_codename()
{
    ( . /etc/os-release && echo "$VERSION_CODENAME" )
}


# The machine's own entry for its main archive, with another type and suite:
# mirror, options and keyring stay what the owner of the machine chose.
# A security or updates entry has other suite names and is not taken.

apt_derive()
{
    apt_type=$1 apt_suite=$2 apt_own=$(apt_codename)

    for f in /etc/apt/sources.list.d/*.sources; do
        [ -f "$f" ] || continue

        awk -v type="$apt_type" -v suite="$apt_suite" -v own="$apt_own" '
            BEGIN { RS = ""; FS = "\n" }
            {
                taken = 0; out = ""; off = 0
                for (i = 1; i <= NF; i++) {
                    if ($i ~ /^#/) { continue }
                    low = tolower($i)
                    if (low ~ /^enabled:[ \t]*no/) { off = 1 }
                    if (low ~ /^suites:/) {
                        n = split(substr($i, 8), w, /[ \t]+/)
                        for (j = 1; j <= n; j++) {
                            if (w[j] == own) { taken = 1 }
                        }
                        $i = "Suites: " suite
                    }
                    if (low ~ /^types:/) { $i = "Types: " type }
                    if (low ~ /^components:/) { $i = "Components: main" }
                    out = out $i "\n"
                }
                if (taken && !off && !done) { printf "%s", out; done = 1 }
            }' "$f" > "$apt_root/entry"

        if [ -s "$apt_root/entry" ]; then
            mv "$apt_root/entry" "$3.sources"
            return 0
        fi
    done

    for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -f "$f" ] || continue

        sed -n -E "s/^deb[ \t]+(\[[^]]*\][ \t]+)?([^ \t]+)[ \t]+$apt_own[ \t]/\
$apt_type \1\2 $apt_suite /p" "$f" \
            | awk -v suite="$apt_suite" '
                {
                    for (i = 1; i <= NF && $i != suite; i++) { }
                    if (i > NF) { next }
                    NF = i
                    print $0, "main"; exit
                }' > "$apt_root/entry"

        if [ -s "$apt_root/entry" ]; then
            mv "$apt_root/entry" "$3.list"
            return 0
        fi
    done

    echo "apt.sh: no apt source names $apt_own: cannot derive $apt_suite" 1>&2
    return 1
}


# apt_in TYPE-SUITE COMMAND...: an apt command that knows this entry alone.
# Signatures are checked; ages are not, since a mirror may be a frozen one.

apt_in()
{
    apt_dir=$apt_root/$1
    shift

    set -- "$@" \
        -o Dir::Etc::sourcelist=/dev/null \
        -o Dir::Etc::sourceparts="$apt_dir/sources" \
        -o Dir::Etc::preferencesparts=/dev/null \
        -o Dir::State::lists="$apt_dir/lists" \
        -o Dir::Cache="$apt_dir/cache" \
        -o APT::Sandbox::User=root \
        -o APT::Update::Post-Invoke-Success::= \
        -o Acquire::Languages=none \
        -o Acquire::Check-Valid-Until=false \
        -o Acquire::Retries=2

    "$@"
}


# Fetches the index of TYPE (deb, deb-src) and SUITE once a day.

apt_open()
{
    apt_dir=$apt_root/$1-$2

    mkdir -p "$apt_dir/sources" "$apt_dir/lists/partial" \
        "$apt_dir/cache/archives/partial"

    if [ -n "$(find "$apt_dir/updated" -mmin -1440 2>/dev/null)" ]; then
        return 0
    fi

    rm -f "$apt_dir/sources/"*
    apt_derive "$1" "$2" "$apt_dir/sources/derived" || return 1

    # an update whose index failed ends with 0 and a warning: ask for an error

    apt_in "$1-$2" apt-get -q -o APT::Update::Error-Mode=any update \
        > "$apt_dir/update.log" 2>&1 || return 1

    touch "$apt_dir/updated"
}


# apt_download SUITE PACKAGE DIR: the .deb of that suite, in DIR.

apt_download()
{
    apt_open deb "$1" || return 1

    mkdir -p "$3"

    ( cd "$3" && apt_in "deb-$1" apt-get -q download "$2/$1" ) \
        > "$apt_root/download.log" 2>&1
}
