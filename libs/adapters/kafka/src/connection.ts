import { Fault } from '@countersign/kernel';
import { Kafka, type KafkaConfig, type logCreator, logLevel } from 'kafkajs';
import { checkOnlyWhatWaits } from './request-queue.ts';

checkOnlyWhatWaits();

/** How to reach the brokers of one log. */
export interface KafkaConnection {
  /** `host:port` of some brokers; the others are learnt from them. */
  readonly brokers: readonly string[];
  /** Shown in the brokers' logs and quotas. */
  readonly clientId: string;
  readonly ssl?: NonNullable<KafkaConfig['ssl']>;
  readonly sasl?: NonNullable<KafkaConfig['sasl']>;
  /** How long a broker may take for one request before it is asked again. */
  readonly requestMaxMs?: number;
  /** Told of what the client works around by itself: lost connections, moved leaders. */
  readonly onTrouble?: (message: string) => void;
}

export const CONNECT_MAX_MS = 3_000;
const REQUEST_MAX_MS = 5_000;
/** A broker that restarts is back, or replaced by another leader, within these. */
export const RETRY = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 5 };

export function requestMaxMsOf({ requestMaxMs }: KafkaConnection): number {
  return requestMaxMs ?? REQUEST_MAX_MS;
}

/** kafkajs, its log lines going to `onTrouble`. */
export function clientOf(connection: KafkaConnection): Kafka {
  const { brokers, clientId, ssl, sasl } = connection;
  return new Kafka({
    brokers: [...brokers],
    clientId,
    ...(ssl !== undefined && { ssl }),
    ...(sasl !== undefined && { sasl }),
    connectionTimeout: CONNECT_MAX_MS,
    requestTimeout: requestMaxMsOf(connection),
    retry: RETRY,
    logLevel: logLevel.WARN,
    logCreator: loggerOf(connection),
  });
}

export function loggerOf({ onTrouble }: KafkaConnection): logCreator {
  return () => (entry) => onTrouble?.(`${entry.namespace}: ${entry.log.message}`);
}

/** What went wrong between us and the brokers, as the fault of a log that did not answer. */
export function unavailable(what: string, cause: unknown): Fault {
  if (cause instanceof Fault) return cause;
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new Fault('log_unavailable', `${what}: ${detail}`, { retryable: true, cause });
}
