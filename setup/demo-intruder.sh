#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the intruder of the demo does, in a machine that setup/make-demo-capture.sh invents. Harmless:
# the miner is a copy of `true`, the key is no key, and the machine is gone afterwards.
id
uname -n
cat /etc/shadow
find / -xdev -name id_rsa
cat /home/mina/.ssh/id_rsa
mkdir -p /tmp/.cache-x
cp /bin/true /tmp/.cache-x/xmrig
/tmp/.cache-x/xmrig -o stratum+tcp://pool.example.org:3333 -u demo
cp /bin/true /dev/shm/kworker
/dev/shm/kworker
echo ZWNobyBoZWxsbwo= | base64 -d | sh
echo '* * * * * root /tmp/.cache-x/xmrig' >/etc/cron.d/update
echo /tmp/lib.so >/tmp/preload && cp /tmp/preload /etc/ld.so.preload && rm /etc/ld.so.preload
sleep 0.2
