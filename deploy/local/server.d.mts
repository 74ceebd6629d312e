/** A server process of our own; it ends with this process. */
export interface LocalServer {
  readonly pid: number;
  readonly folder: string;
  readonly ports: readonly number[];
  /** Stops it where it stands (SIGSTOP): it keeps its connections and answers nothing. Resolves when it stands still. */
  pause(): Promise<void>;
  resume(): void;
  /** SIGKILL; its folder stays. */
  kill(): Promise<void>;
  /** Kills it and starts it again on the same ports and folder. */
  restart(): Promise<void>;
  /** Kills it, and removes its folder if it was made for it. */
  stop(): Promise<void>;
}

export interface LaunchOptions {
  /** Kept after `stop`; without it a temporary one is made. */
  readonly folder?: string;
  readonly ports?: readonly number[];
  readonly detached?: boolean;
  readonly onSpawn?: (pid: number) => void;
}

export function freePorts(count: number): Promise<number[]>;
