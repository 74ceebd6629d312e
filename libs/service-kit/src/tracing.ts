import {
  type Attributes,
  type Context,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  TraceFlags,
  context,
  createContextKey,
  trace,
} from '@opentelemetry/api';
import { Fault } from '@countersign/kernel';
import { Refused } from './refusal.ts';

/**
 * Traces of OpenTelemetry, which cost next to nothing where none are collected.
 *
 * A payment's trace id is the digest in its id, and its root span the beginning of that: so every service finds the
 * trace without being told, also after a restart, and no record carries anything for it. What agents and sellers wrote
 * is never an attribute: ids, kinds, codes and positions are.
 */
const tracer = trace.getTracer('countersign');

const NOBODY = new ProxyTracerProvider().getDelegate();

/** Whether no traces are collected: a span that nobody sees took 2 us, of some ten for each payment. */
function isOff(): boolean {
  const provider = trace.getTracerProvider();
  return provider instanceof ProxyTracerProvider && provider.getDelegate() === NOBODY;
}

/** On every span that is about one payment. */
export const PAYMENT = 'countersign.payment';
/** On a debt whose effect found nothing to do yet. */
export const IDLE = 'countersign.idle';

const PAYMENT_ID = /^pay_\d{1,3}_([0-9a-f]{32})$/;

/** Ids that a span has, if they are given and not drawn. */
export interface SpanIds {
  readonly traceId: string;
  readonly spanId: string;
}

/** Undefined for what is no payment's id. */
export function rootOf(paymentId: string): SpanIds | undefined {
  const traceId = PAYMENT_ID.exec(paymentId)?.[1];
  return traceId === undefined ? undefined : { traceId, spanId: traceId.slice(0, 16) };
}

let given: SpanIds | undefined;

/** The ids of the very next span, for the generator of ids; undefined where they are to be drawn. */
export function givenIds(): SpanIds | undefined {
  return given;
}

/** A request under way: which payment it is about is known only once it has been dealt with. */
export interface Door {
  payment?: string;
  /** It is this request that brought the payment into being: it is the root of the payment's trace. */
  isFirst?: boolean;
}

const DOOR = createContextKey('countersign.door');

/** What runs in `within` tells the door which payment it is about. */
export function withinDoor(door: Door): Context {
  return ROOT_CONTEXT.setValue(DOOR, door);
}

/** The request under way is about this payment. */
export function aboutPayment(paymentId: string, isFirst = false): void {
  const door = context.active().getValue(DOOR) as Door | undefined;
  if (!door) return;
  door.payment = paymentId;
  if (isFirst) door.isFirst = true;
}

/** The span of a request that has been answered, from when it came in. */
export function traceDoor(
  name: string,
  { payment, isFirst }: Door,
  at: { readonly startMs: number; readonly attributes: Attributes; readonly isFailed: boolean },
): void {
  if (isOff()) return;
  const root = payment === undefined ? undefined : rootOf(payment);
  const attributes = { ...at.attributes, ...(payment !== undefined && { [PAYMENT]: payment }) };
  const parent = root && !isFirst ? remote(root) : ROOT_CONTEXT;
  const options = { startTime: at.startMs, attributes };
  const span = startWith(isFirst ? root : undefined, () => tracer.startSpan(name, options, parent));
  if (at.isFailed) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

/** What a span is about. */
export interface About {
  readonly payment?: string | undefined;
  readonly attributes?: Attributes;
  /** It was not the work under way that caused it, but the state of the payment. */
  readonly owed?: true;
  readonly startMs?: number;
}

/**
 * Does the work in a span of the payment's trace, or of the work under way. What is about no payment and was asked for
 * by nobody leaves no span. The work's error is thrown on; the span has its code, never its message.
 */
export function traced<T>(
  name: string,
  about: About,
  work: (span: Span | undefined) => Promise<T>,
): Promise<T> {
  if (isOff()) return work(undefined);
  const root = about.payment === undefined ? undefined : rootOf(about.payment);
  const active = about.owed ? undefined : trace.getActiveSpan();
  if (!root && !active) return work(undefined);
  const isOurs = active && (!root || active.spanContext().traceId === root.traceId);
  const parent = root && !isOurs ? remote(root, about.owed) : context.active();
  const attributes = {
    ...about.attributes,
    ...(about.payment !== undefined && { [PAYMENT]: about.payment }),
  };
  const start = about.startMs === undefined ? {} : { startTime: about.startMs };
  const span = tracer.startSpan(name, { ...start, attributes }, parent);
  return context.with(trace.setSpan(parent, span), () => ended(span, work));
}

async function ended<T>(span: Span, work: (span: Span) => Promise<T>): Promise<T> {
  try {
    return await work(span);
  } catch (error) {
    const code = error instanceof Fault || error instanceof Refused ? error.code : 'bug';
    span.setAttribute('countersign.code', code);
    span.setStatus({ code: SpanStatusCode.ERROR, message: code });
    throw error;
  } finally {
    span.end();
  }
}

/**
 * The same port; each call of a method that answers with a promise, made for work that is traced, has a span. What is
 * asked and answered is not in it: there are secrets among that.
 */
export function tracedCalls<T extends object>(what: string, port: T): T {
  return new Proxy(port, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property, target);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]): unknown => {
        const call = () => Reflect.apply(member, target, args) as unknown;
        const active = trace.getActiveSpan();
        if (!active) return call();
        const parent = context.active();
        const span = tracer.startSpan(`${what} ${String(property)}`, {}, parent);
        const answer = context.with(trace.setSpan(parent, span), call);
        if (answer instanceof Promise) return ended(span, () => answer);
        span.end();
        return answer;
      };
    },
  });
}

/** Within the payment's trace; a door that is open stays so unless the work is owed. */
function remote({ traceId, spanId }: SpanIds, owed?: true): Context {
  const parent = { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
  return trace.setSpanContext(owed ? ROOT_CONTEXT : context.active(), parent);
}

function startWith(ids: SpanIds | undefined, start: () => Span): Span {
  given = ids;
  try {
    return start();
  } finally {
    given = undefined;
  }
}
