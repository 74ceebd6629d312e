import { type Context, SpanStatusCode, trace } from '@opentelemetry/api';
import { IDLE } from '@countersign/service-kit/tracing';
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace';

/** A debt's span and those under it, until the debt has ended. */
interface Held {
  readonly debt: string;
  readonly spans: ReadableSpan[];
  isWorthTelling: boolean;
  isOver: boolean;
}

/**
 * Passes spans on, but not those of a debt that found nothing to do: the chain is asked about a payment again and again,
 * and a trace is for what happened. It is told all the same when something failed, or a record was appended.
 */
export class HeldDebts implements SpanProcessor {
  readonly #next: SpanProcessor;
  /** By span under way. */
  readonly #held = new Map<string, Held>();

  constructor(next: SpanProcessor) {
    this.#next = next;
  }

  onStart(span: Span, parentContext: Context): void {
    const parent = trace.getSpanContext(parentContext);
    const { spanId } = span.spanContext();
    const above = parent && this.#held.get(parent.spanId);
    if (above) this.#held.set(spanId, above);
    else if (span.name.startsWith('debt '))
      this.#held.set(spanId, { debt: spanId, spans: [], isWorthTelling: false, isOver: false });
    this.#next.onStart(span, parentContext);
  }

  onEnd(span: ReadableSpan): void {
    const { spanId } = span.spanContext();
    const held = this.#held.get(spanId);
    this.#held.delete(spanId);
    if (!held) return this.#next.onEnd(span);
    const isNews = span.name.startsWith('append ') || span.status.code === SpanStatusCode.ERROR;
    if (isNews || (spanId === held.debt && span.attributes[IDLE] !== true))
      held.isWorthTelling = true;
    held.spans.push(span);
    if (spanId === held.debt) held.isOver = true;
    if (!held.isOver) return;
    if (held.isWorthTelling) for (const each of held.spans) this.#next.onEnd(each);
    held.spans.length = 0;
  }

  forceFlush(): Promise<void> {
    return this.#next.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#next.shutdown();
  }
}
