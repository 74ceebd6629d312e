import type { LaunchOptions, LocalServer } from './server.mjs';

export interface KafkaServer extends LocalServer {
  /** Where clients connect. */
  readonly brokers: readonly string[];
}

export interface KafkaServerOptions extends LaunchOptions {
  /** Where the broker sends clients; for a relay in front of it. */
  readonly advertisedPort?: number;
  /** Lines of server.properties, by name. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
}

export function fetchKafka(): Promise<string>;
export function startKafka(options?: KafkaServerOptions): Promise<KafkaServer>;
