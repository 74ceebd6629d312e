/** An entry of package-lock.json, as far as platforms are concerned. */
export interface LockEntry {
  readonly version?: string;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface Lock {
  readonly packages: Readonly<Record<string, LockEntry>>;
}

export function platformOf(name: string): Pick<LockEntry, 'os' | 'cpu' | 'libc'> | undefined;
export function lockFaults(lock: Lock): string[];
export function completed(lock: Lock): Lock;
export function readLock(file?: string): Lock;
