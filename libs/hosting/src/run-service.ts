import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type KafkaConnection, kafkaDuty, openKafkaLog } from '@countersign/adapter-kafka';
import { openStateStore } from '@countersign/adapter-sqlite';
import type { Service } from '@countersign/contracts';
import { Fault, InvariantViolation } from '@countersign/kernel';
import {
  LaneHost,
  type Log,
  type Shell,
  type TrustedKeys,
  createHttpApp,
  shownSettings,
  systemClock,
  systemTimers,
  tellSetAside,
} from '@countersign/service-kit';
import type { DynamicModule } from '@nestjs/common';
import pino from 'pino';
import type { z } from 'zod';
import { type ServiceSettings, SettingsInvalid, readSasl, readSettings } from './config.ts';
import { Freshness } from './freshness.ts';
import { trustedKeys } from './keys.ts';
import { type Work, LogTransport } from './log-transport.ts';
import { type ArchiveReading, Metrics } from './metrics.ts';
import { Opened } from './opened.ts';
import { startTracing, traceFold } from './tracing.ts';

/** What a service is composed in: the fold of the log, and the process's clock, timers, log and share of the duty. */
export interface Surroundings extends Shell {
  readonly host: LaneHost;
  /** Pinned in the settings. */
  readonly trusted: TrustedKeys;
  /** How Kafka is reached, for what is read and written there beside the log. */
  readonly kafka: KafkaPlace;
  readonly metrics: Metrics;
  /** Holds what this replica keeps: its journal, its credential file. */
  readonly folder: string;
}

export interface KafkaPlace extends KafkaConnection {
  readonly laneCount: number;
  readonly prefix: string;
}

/** A service, put together: what it answers, what it owes, what it opened. */
export interface Composition {
  readonly modules: readonly DynamicModule[];
  readonly duties: readonly Work[];
  /** The event store that it fills. */
  readonly archive?: ArchiveReading;
  /** Closes what was opened beside the log; the last thing that happens. */
  readonly close?: () => Promise<void>;
}

export interface ServiceDefinition<S extends ServiceSettings> {
  readonly service: Service;
  readonly settings: z.ZodType<S>;
  /** Whether its replicas share out lanes; a service without debts has none to share. */
  readonly sharesDuty: boolean;
  readonly compose: (settings: S, surroundings: Surroundings) => Promise<Composition>;
}

/** What a start needs beside the settings. */
interface Starting {
  readonly log: Log;
  readonly onFatal: (error: unknown) => void;
  readonly opened: Opened;
}

const STOPS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT'];
const EXIT_FATAL = 70;
const EXIT_CONFIG = 78;
/**
 * How long records are gathered by services whose answer no agent waits for: each request for records costs them and the
 * broker more than a record does.
 */
const GATHER_MS: Readonly<Partial<Record<Service, number>>> = {
  approval: 20,
  settlement: 20,
  alerting: 50,
  recorder: 50,
};
/** Brokers that start at the same time as we do are waited for. */
const PATIENCE_MS = 60_000;

/**
 * The whole of a service's `main`: settings (`--check-config` prints them without secrets and ends), the log, the
 * duties, HTTP, and on SIGTERM or SIGINT the orderly end: no more requests, running debts to their end, the lanes to other
 * replicas. While it starts, that is the end of the start.
 *
 * Its one line on standard output, `{"service", "url"}`, says that it is caught up and at work.
 */
export async function runService<S extends ServiceSettings>(
  definition: ServiceDefinition<S>,
): Promise<void> {
  try {
    const settings = readSettings(definition.settings);
    if (process.argv.includes('--check-config')) {
      process.stdout.write(`${shownSettings(settings)}\n`);
      return;
    }
    await run(definition, settings);
  } catch (error) {
    if (error instanceof SettingsInvalid) {
      process.stderr.write(`The settings cannot be used:\n${error.message}\n`);
      process.exit(EXIT_CONFIG);
    }
    if (!(error instanceof Fault)) throw error;
    process.stderr.write(`${definition.service}: ${error.message} (${error.code})\n`);
    process.exit(EXIT_FATAL);
  }
}

async function run<S extends ServiceSettings>(
  definition: ServiceDefinition<S>,
  settings: S,
): Promise<void> {
  const { service } = definition;
  const log = pino(
    { level: settings.COUNTERSIGN_LOG_LEVEL, base: { service } },
    pino.destination(2),
  );
  const fatal = (error: unknown) => {
    log.error({ err: error }, 'stopping: the log can no longer be trusted');
    process.exit(EXIT_FATAL);
  };
  // Before anything else: as the first process of a container it would not be told to end otherwise, however long it starts.
  const stopped = Promise.race(STOPS.map((signal) => once(process, signal)));
  const opened = new Opened();
  try {
    const starting = start(definition, settings, { log, onFatal: fatal, opened });
    const url = await Promise.race([starting, stopped.then(() => undefined)]);
    if (url !== undefined) process.stdout.write(`${JSON.stringify({ service, url })}\n`);
  } catch (error) {
    await opened.close().catch((err: unknown) => log.warn({ err }, 'something stayed open'));
    throw error;
  }
  await stopped;
  await opened.close().catch(fatal);
  process.exit(0);
}

/** @returns where it listens, caught up and at work */
async function start<S extends ServiceSettings>(
  { service, sharesDuty, compose }: ServiceDefinition<S>,
  settings: S,
  { log, onFatal, opened }: Starting,
): Promise<string> {
  const folder = settings.COUNTERSIGN_STATE_DIR;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const tracing = await startTracing(service, settings);
  opened.add(() => tracing?.close());
  const connection = connectionOf(settings, service, log);
  const eventLog = await openKafkaLog({
    ...connection,
    patienceMs: PATIENCE_MS,
    gatherMs: GATHER_MS[service] ?? 0,
  });
  opened.add(() => eventLog.close());
  if (!eventLog.capabilities.durable)
    throw new InvariantViolation('the log is not durable: no service may work on it');
  const state = openStateStore(join(folder, 'fold.db'));
  opened.add(() => state.close());
  if (settings.COUNTERSIGN_VERIFY_AT_START === 'yes') state.clear();
  const trusted = trustedKeys(settings);
  const metrics = new Metrics(service);
  const host = new LaneHost(metrics.timed(eventLog), trusted, onFatal, { threads: true, state });
  tellSetAside(host, log);
  const shares = sharesDuty ? kafkaDuty({ ...connection, service }) : undefined;
  metrics.watch(host, { service, duty: shares });
  if (tracing) traceFold(host, { clock: systemClock, service, duty: shares });
  const shell: Shell = {
    clock: systemClock,
    timers: systemTimers,
    log,
    meter: metrics.meter,
    ...(shares && { duty: shares }),
  };
  const composition = await compose(settings, {
    ...shell,
    ...{ host, trusted, folder, metrics, kafka: connection },
  });
  opened.add(() => composition.close?.());
  if (composition.archive) metrics.watchArchive(composition.archive);
  const freshness = new Freshness(host, systemTimers);
  let isStarted = false;
  const app = await createHttpApp(host, composition.modules, log, {
    current: () => freshness.reached(),
    isReady: async () => isStarted && (await freshness.isReached()),
    metrics: () => metrics.text(),
    isTraced: tracing !== undefined,
    answered: (request) => metrics.answered(request),
  });
  const { duties } = composition;
  app.connectMicroservice({ strategy: new LogTransport({ host, duties, shares }) });
  opened.add(() => {
    isStarted = false;
    return app.close();
  });
  // Probes answer while the log is being folded; requests wait until it is.
  await app.listen(settings.COUNTERSIGN_PORT, settings.COUNTERSIGN_HOST);
  await app.startAllMicroservices();
  metrics.caughtUp();
  isStarted = true;
  return app.getUrl();
}

function connectionOf(settings: ServiceSettings, service: string, log: Log): KafkaPlace {
  const saslFile = settings.COUNTERSIGN_KAFKA_SASL_FILE;
  return {
    brokers: settings.COUNTERSIGN_KAFKA_BROKERS,
    clientId: `countersign-${service}`,
    laneCount: settings.COUNTERSIGN_LANES,
    prefix: settings.COUNTERSIGN_KAFKA_PREFIX,
    ...(settings.COUNTERSIGN_KAFKA_TLS === 'yes' && { ssl: true }),
    ...(saslFile !== undefined && { sasl: readSasl(saslFile) }),
    onTrouble: (message: string) => log.warn({}, message),
  };
}
