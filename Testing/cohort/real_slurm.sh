#!/bin/bash
# Registers a study by the jobs of a real SLURM (controller and one node) on this computer:
#
#   apt-get install slurmctld slurmd slurm-client munge      (Debian 12, as root)
#   Testing/cohort/real_slurm.sh patients.tsv study --quality fast
#
# It shows that SLURM takes the jobs, places them by cores and memory, and that the study becomes complete.
# It does not show several nodes, a network file system, limits that are enforced, accounting, or other users' jobs.
set -euo pipefail
table=$1 study=$2
shift 2
work=$(mktemp -d)
node=$(hostname -s)
[ ! -e /etc/slurm/slurm.conf ] || { echo "this computer has a SLURM already" >&2; exit 2; }
mkdir -p "$work"/{state,spool,profile} /etc/slurm
cat > /etc/slurm/slurm.conf <<END
ClusterName=one
SlurmctldHost=$node(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MinJobAge=300
NodeName=$node NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$(awk '/^MemTotal:/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
PartitionName=standard Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
echo "CgroupPlugin=cgroup/v1" > /etc/slurm/cgroup.conf  # no control groups are used, but one plugin must load
cat > "$work/profile/config.yaml" <<END
executor: slurm
jobs: 100
latency-wait: 10
slurm-init-seconds-before-status-checks: 5
slurm-no-account: true
slurm-status-command: squeue
default-resources:
  slurm_partition: standard
END
[ -S /run/munge/munge.socket.2 ] || { mkdir -p /run/munge; chown munge: /run/munge; runuser -u munge -- munged; }
slurmctld -D & controller=$!
slurmd -D & daemon=$!
trap 'kill $daemon $controller; wait; rm -rf "$work" /etc/slurm/slurm.conf /etc/slurm/cgroup.conf' EXIT
for _ in $(seq 60); do sinfo --noheader --format=%t 2> /dev/null | grep -q idle && break; sleep 1; done
sinfo
spine-ctmr cohort "$table" --output "$study" --profile "$work/profile" "$@" && code=0 || code=$?
squeue --states=all --format="%i %j %T %M %m %C"
exit "$code"
