import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { CODES, type CodeInfo, type Problem, type RefusalCode } from '@countersign/contracts';
import { Fault } from '@countersign/kernel';
import type { Log } from '../logger.ts';
import { Refused } from '../refusal.ts';
import { methodsAt } from './route.ts';

/** Input that does not fit its schema, with every fault and where it is. */
export class Rejected extends Error {
  override readonly name = 'Rejected';
  readonly errors: readonly { path: string; message: string }[];

  constructor(errors: readonly { path: string; message: string }[]) {
    super(errors.map((it) => `${it.path}: ${it.message}`).join('; '));
    this.errors = errors;
  }
}

interface Reply {
  status(code: number): Reply;
  header(name: string, value: string): Reply;
  send(body: unknown): unknown;
}

/** Turns every error of a request into RFC 9457 problem details with a stable code. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Log) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const { method, url } = http.getRequest<{ method: string; url: string }>();
    const methods = methodsAt(url.split('?')[0] ?? '');
    // Whatever else is wrong with it; some methods are refused for their missing body before anybody looks for a route.
    const isOther = methods.length > 0 && !methods.includes(method === 'HEAD' ? 'GET' : method);
    const problem = isOther ? problemFor('method_not_allowed') : problemOf(error);
    if (problem.status >= 500) this.log.error({ err: error, code: problem.code }, problem.title);
    const reply = http.getResponse<Reply>();
    if (isOther) reply.header('allow', methods.join(', '));
    reply.status(problem.status).header('content-type', 'application/problem+json');
    reply.header('cache-control', 'no-store');
    if (problem.retryable) reply.header('retry-after', '1');
    void reply.send(problem);
  }
}

/** What a caller is told of an error: the same over HTTP and in messages. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Refused) {
    const { paymentId } = error.details;
    return {
      ...problemFor(error.code, error.message),
      ...(typeof paymentId === 'string' && { paymentId }),
    };
  }
  if (error instanceof Rejected)
    return { ...problemFor('invalid_request', error.message), errors: [...error.errors] };
  if (error instanceof Fault)
    return {
      ...problemFor('unavailable', `A part we depend on does not answer (${error.code}).`),
      retryable: error.retryable,
    };
  const status = statusOf(error);
  if (status === 404) return problemFor('not_found');
  if (status === 413) return problemFor('too_large');
  if (status !== undefined && status < 500)
    return problemFor('invalid_request', error instanceof Error ? error.message : undefined);
  return problemFor('internal');
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : undefined;
}

function problemFor(code: RefusalCode, detail?: string): Problem {
  const { title, status, retryable }: CodeInfo = CODES[code];
  return {
    type: `https://countersign.dev/problems/${code}`,
    title,
    status,
    detail: detail ?? title,
    code,
    retryable,
  };
}
