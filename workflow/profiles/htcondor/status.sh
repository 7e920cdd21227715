#!/bin/sh
# What became of HTCondor job $1, in Snakemake's words: 3 removed, 4 completed, 5 held. A scheduler that does not
# answer says nothing about the job.
state=$(condor_q "$1" -format '%d ' JobStatus -format '%d' ExitCode) || state=
[ -n "$state" ] || state=$(condor_history "$1" -limit 1 -format '%d ' JobStatus -format '%d' ExitCode) || state=
case $state in
"4 0") echo success ;;
3* | 4* | 5*) echo failed ;;
*) echo running ;;
esac
