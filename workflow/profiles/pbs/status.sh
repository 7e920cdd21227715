#!/bin/sh
# What became of PBS job $1, in Snakemake's words. A server that does not answer says nothing about the job.
answer=$(qstat -x -f "$1" 2>&1)
case $answer in
*"job_state = F"*"Exit_status = 0"* | *"Exit_status = 0"*"job_state = F"*) echo success ;;
*"job_state = F"* | *"Unknown Job Id"* | *"Unknown Job ID"*) echo failed ;;
*) echo running ;;
esac
