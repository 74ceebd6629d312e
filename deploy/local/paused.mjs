/** Stops a process where it stands, and waits until it does: after the signal its threads go on for a moment. */
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export async function paused(child) {
  child.kill('SIGSTOP');
  while (child.exitCode === null && child.signalCode === null && !standsStill(child.pid))
    await sleep(1);
}

/** Whether every thread is stopped (`T` in proc_pid_stat(5)). Only Linux tells. */
function standsStill(pid) {
  if (process.platform !== 'linux') return true;
  const tasks = `/proc/${pid}/task`;
  try {
    return readdirSync(tasks).every((task) => {
      const stat = readFileSync(`${tasks}/${task}/stat`, 'utf8');
      return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
    });
  } catch (error) {
    // A thread, or the process, ended while it was looked at.
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return false;
    throw error;
  }
}
