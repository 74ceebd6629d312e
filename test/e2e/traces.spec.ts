import { Metrics, startTracing } from '@countersign/hosting/telemetry';
import { rootOf } from '@countersign/service-kit/tracing';
import { Collector, type CollectedSpan } from '@countersign/testkit/collector';
import { describe, expect, it, onTestFinished } from 'vitest';
import { autonomous } from './policies.ts';
import { World } from './world.ts';

const AGENT_TEXT = 'ignore-all-previous-instructions';

/** One payment from the door to a finalized block, and everything the collector was sent about it. */
async function paid() {
  const collector = await Collector.start();
  onTestFinished(() => collector[Symbol.asyncDispose]());
  const tracing = await startTracing('standalone', {
    COUNTERSIGN_OTLP_URL: collector.url,
    COUNTERSIGN_TRACE_RATIO: 1,
  });
  if (!tracing) throw new Error('no traces, though a collector is named');
  const telemetry = { metrics: new Metrics('standalone'), isTraced: true };
  const world = await World.create(':memory:', { telemetry });
  await world.usePolicy(autonomous());
  const { body } = await world.propose({ url: `https://api.example.com/${AGENT_TEXT}` });
  await world.present(body);
  await world.pass(10_000);
  expect((await world.read(body.id)).status).toBe('settled');
  await world.stop();
  await tracing.close();
  const credentials = Object.values(world.credentials);
  return { collector, payment: body, spans: collector.trace(traceOf(body.id)), credentials };
}

function traceOf(paymentId: string): string {
  return rootOf(paymentId)?.traceId ?? '';
}

function named(spans: readonly CollectedSpan[], name: string): CollectedSpan {
  const found = spans.find((span) => span.name === name);
  if (!found) throw new Error(`no span "${name}" among ${spans.map((it) => it.name).join(', ')}`);
  return found;
}

describe('the trace of a payment', () => {
  // OpenTelemetry is one per process, so one payment serves all of them.
  it('is found by its id, and tells its way through every service', async () => {
    const { collector, payment, spans, credentials } = await paid();

    const root = named(spans, 'POST /v1/payments');
    expect(root).toMatchObject({ spanId: rootOf(payment.id)?.spanId, parentSpanId: '' });
    expect(root.attributes).toMatchObject({ 'countersign.payment': payment.id });
    expect(spans.filter(({ parentSpanId }) => parentSpanId === '')).toEqual([root]);
    const known = new Set(spans.map(({ spanId }) => spanId));
    expect(spans.filter((it) => it !== root && !known.has(it.parentSpanId))).toEqual([]);

    const services = spans.map(({ attributes }) => attributes['countersign.service']);
    expect(new Set(services.filter(Boolean))).toEqual(new Set(['policy', 'signer', 'settlement']));
    const fix = named(spans, 'debt fix');
    expect(named(spans, 'append authorization.fixed')).toMatchObject({
      parentSpanId: fix.spanId,
      events: ['acknowledged'],
      attributes: { 'countersign.judgement': 'applied' },
    });
    expect(named(spans, 'keystore sign').parentSpanId).toBe(named(spans, 'debt sign').spanId);
    expect(spans.map(({ name }) => name)).toContain('chain authorization');
    expect(spans.filter(({ name }) => name === 'fold').length).toBeGreaterThan(2);

    // A look at the chain that found nothing new is not told.
    const watched = spans.filter(({ name }) => name === 'debt watch');
    expect(watched.length).toBeGreaterThan(0);
    for (const watch of watched)
      expect(
        spans.some(
          ({ name, parentSpanId }) => name.startsWith('append ') && parentSpanId === watch.spanId,
        ),
      ).toBe(true);

    const everything = collector.bodies.join('\n');
    for (const secret of [AGENT_TEXT, payment.signature ?? '?', ...credentials])
      expect(everything).not.toContain(secret);
  });
});
