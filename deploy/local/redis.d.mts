export interface RedisServer {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** Its data folder, which holds `dump.rdb` once it was told to save. */
  readonly folder: string;
  /** Stops the process where it stands (SIGSTOP); resolves when it does. */
  pause(): Promise<void>;
  resume(): void;
  kill(): Promise<void>;
  /** Kills it and starts it again on the same port and folder, with other settings if given. */
  restart(settings?: RedisSettings): Promise<void>;
  /** Kills it and removes its folder. */
  stop(): Promise<void>;
}

export type RedisSettings = Readonly<Record<string, string | readonly string[]>>;

export function startRedis(settings?: RedisSettings): Promise<RedisServer>;
