import { context } from '@opentelemetry/api';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Door, PAYMENT, aboutPayment, rootOf, traceDoor, withinDoor } from '../tracing.ts';

type Fastify = ReturnType<ReturnType<NestFastifyApplication['getHttpAdapter']>['getInstance']>;

interface UnderWay extends Door {
  readonly startMs: number;
}

/** Asked every few seconds by what runs us. */
const PROBES = ['/healthz', '/readyz', '/metrics'];
const ROUTE_OF_PAYMENT = '/v1/payments/:id';

/** A request that has been answered. */
export interface Answered {
  readonly method: string;
  /** The route's pattern, never the URL; `none` where there is no route. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

/** Methods that a route may have: a caller may send any word as its method. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'];

/** Tells of every request that has been answered. */
export function countRequests(fastify: Fastify, answered: (request: Answered) => void): void {
  fastify.addHook('onResponse', (request, reply, done) => {
    const { url: route = 'none' } = request.routeOptions;
    const method = METHODS.includes(request.method) ? request.method : 'other';
    const { statusCode: status, elapsedTime } = reply;
    if (!PROBES.includes(route)) answered({ method, route, status, seconds: elapsedTime / 1000 });
    done();
  });
}

/**
 * Gives every request a span, named after its route and never its URL. What changes a payment stands in the payment's
 * trace; what only reads has a trace of its own, with the payment's id: whoever asks in a loop fills only those.
 */
export function traceRequests(fastify: Fastify): void {
  const underWay = new WeakMap<object, UnderWay>();
  fastify.addHook('onRequest', (request, _reply, done) => {
    const { url } = request.routeOptions;
    if (!PROBES.includes(url ?? '')) underWay.set(request.raw, { startMs: Date.now() });
    done();
  });
  // Not earlier: reading the body leaves the context of whoever waits for it.
  fastify.addHook('preValidation', (request, _reply, done) => {
    const door = underWay.get(request.raw);
    if (!door) return done();
    context.with(withinDoor(door), () => {
      const { id } = request.params as { id?: string };
      const { url = '' } = request.routeOptions;
      if (url.startsWith(ROUTE_OF_PAYMENT) && id !== undefined && rootOf(id)) aboutPayment(id);
      done();
    });
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    const door = underWay.get(request.raw);
    if (door) traceAnswered(door, request, reply.statusCode);
    done();
  });
}

function traceAnswered(
  { startMs, ...door }: UnderWay,
  { method, routeOptions: { url } }: { method: string; routeOptions: { url?: string | undefined } },
  status: number,
): void {
  const isRead = method === 'GET' || method === 'HEAD';
  const { payment } = door;
  traceDoor(url === undefined ? method : `${method} ${url}`, isRead ? {} : door, {
    startMs,
    attributes: {
      'http.request.method': method,
      'http.response.status_code': status,
      ...(url !== undefined && { 'http.route': url }),
      ...(payment !== undefined && { [PAYMENT]: payment }),
    },
    isFailed: status >= 500,
  });
}
