#!/bin/sh
# Makes services.tsv anew from /etc/services (Debian: package netbase; its names are those registered with IANA).
# Two columns, port and name, ordered by transport and number; only tcp and udp; the first name of a port counts.
# Use: sh make_services.sh [FILE] > services.tsv
set -eu
printf '# Names of services by port, as registered with IANA. Made by make_services.sh from Debian netbase; do not edit.\n'
sed 's/#.*//' "${1:-/etc/services}" | awk '
    NF >= 2 {
        split($2, at, "/")
        rank = at[2] == "tcp" ? 0 : at[2] == "udp" ? 1 : -1
        if (rank >= 0 && at[1] ~ /^[0-9]+$/ && at[1] <= 65535)
            printf "%d\t%d\t%s/%d\t%s\n", rank, at[1], at[2], at[1], $1
    }' | LC_ALL=C sort -t '	' -k1,1n -k2,2n -u | cut -f 3,4
