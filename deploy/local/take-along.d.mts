import type { ChildProcess } from 'node:child_process';

/** Ends `child` when this process is gone, at the latest. */
export function takeAlong(child: ChildProcess): void;
