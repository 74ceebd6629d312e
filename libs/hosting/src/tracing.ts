import { readFileSync } from 'node:fs';
import { type Payment, laneOfPayment, owed } from '@countersign/payment';
import type { Clock, DutyShares, LogRecord } from '@countersign/ports';
import type { LaneHost } from '@countersign/service-kit';
import { givenIds, traced } from '@countersign/service-kit/tracing';
import type { IdGenerator } from '@opentelemetry/sdk-trace';
import { SettingsInvalid, type TelemetrySettings } from './config.ts';
import { OtlpHeaders } from './setting-files.ts';

/** A record that is older when it is folded was there before this process: its folding is no news. */
const NEWS_MAX_MS = 60_000;

export interface Tracing {
  /** What is still here is sent, or given up after some seconds. */
  readonly close: () => Promise<void>;
}

/**
 * Sends spans to the collector, where the settings name one; undefined where they do not, and then the packages are not
 * even loaded. Every service takes or leaves a whole trace by its id alone, so all of a payment is there, or nothing.
 *
 * @param service the name of the process in traces
 */
export async function startTracing(
  service: string,
  settings: TelemetrySettings,
): Promise<Tracing | undefined> {
  const url = settings.COUNTERSIGN_OTLP_URL;
  if (url === undefined) return undefined;
  const [{ NodeSDK }, { OTLPTraceExporter }, trace, { resourceFromAttributes }, { HeldDebts }] =
    await Promise.all([
      import('@opentelemetry/sdk-node'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/resources'),
      import('./held-debts.ts'),
    ]);
  const exporter = new OTLPTraceExporter({
    url: `${url.replace(/\/$/, '')}/v1/traces`,
    headers: headersOf(settings.COUNTERSIGN_OTLP_HEADERS_FILE),
    timeoutMillis: 5_000,
  });
  // All is said here and nothing by variables of other names: what a deployment does stands in our settings.
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({
      'service.name': `countersign-${service}`,
      'service.namespace': 'countersign',
    }),
    autoDetectResources: false,
    instrumentations: [],
    metricReaders: [],
    logRecordProcessors: [],
    textMapPropagator: null,
    idGenerator: new GivenIds(new trace.RandomIdGenerator()),
    sampler: new trace.TraceIdRatioBasedSampler(settings.COUNTERSIGN_TRACE_RATIO),
    spanProcessors: [new HeldDebts(new trace.BatchSpanProcessor({ exporter }))],
  });
  sdk.start();
  return { close: () => sdk.shutdown() };
}

class GivenIds implements IdGenerator {
  readonly #drawn: IdGenerator;

  constructor(drawn: IdGenerator) {
    this.#drawn = drawn;
  }

  generateTraceId = (): string => givenIds()?.traceId ?? this.#drawn.generateTraceId();
  generateSpanId = (): string => givenIds()?.spanId ?? this.#drawn.generateSpanId();
}

/**
 * A span for each record that made this service owe something, from the log's stamp until it was folded here.
 *
 * @param service whose debts count; all of them where it is left out
 */
export function traceFold(
  host: LaneHost,
  {
    clock,
    service,
    duty,
  }: {
    readonly clock: Clock;
    readonly service?: string;
    readonly duty?: DutyShares | undefined;
  },
): void {
  const isOurs = (payment: Payment) =>
    duty?.holds(laneOfPayment(payment.id)) !== false &&
    owed(payment).some((debt) => service === undefined || debt.service === service);
  host.onRecord(({ stampMs, lane, offset }: LogRecord, { applied, paymentId }) => {
    if (!applied || paymentId === null || clock.nowMs() - stampMs > NEWS_MAX_MS) return;
    const payment = host.payment(paymentId);
    if (!payment || !isOurs(payment)) return;
    const attributes = { 'countersign.lane': Number(lane), 'countersign.offset': offset };
    const startMs = Math.min(stampMs, clock.nowMs());
    void traced('fold', { payment: paymentId, owed: true, attributes, startMs }, async () => {});
  });
}

function headersOf(file: string | undefined): Record<string, string> {
  if (file === undefined) return {};
  try {
    return OtlpHeaders.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    throw new SettingsInvalid(
      `COUNTERSIGN_OTLP_HEADERS_FILE: ${file} is not JSON with a text for each header`,
    );
  }
}
