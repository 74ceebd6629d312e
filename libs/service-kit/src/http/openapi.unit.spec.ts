import {
  CODES,
  type CodeInfo,
  Code,
  ROUTES,
  type Route,
  SIGNING_REFUSALS,
} from '@countersign/contracts';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openApiDocument } from './openapi.ts';

const Media = z.record(z.string(), z.object({ schema: z.record(z.string(), z.unknown()) }));
const Operation = z.object({
  operationId: z.string(),
  summary: z.string().min(1),
  description: z.string(),
  tags: z.array(z.string()),
  'x-who': z.array(z.string()).min(1),
  parameters: z.array(z.object({ name: z.string(), in: z.string(), required: z.boolean() })),
  requestBody: z.object({ required: z.literal(true), content: Media }).optional(),
  responses: z.record(z.string(), z.object({ content: Media })),
});
const Document = z.object({
  openapi: z.literal('3.1.0'),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  paths: z.record(z.string(), z.record(z.string(), Operation)),
  components: z.object({
    securitySchemes: z.record(z.string(), z.unknown()),
    schemas: z.record(z.string(), z.unknown()),
  }),
  'x-codes': z.record(z.string(), z.unknown()),
  'x-signing-refusals': z.record(z.string(), z.string()),
});

const text = JSON.stringify(openApiDocument());
const document = Document.parse(JSON.parse(text));
const routes = Object.entries<Route>(ROUTES);
const codes = Object.entries<CodeInfo>(CODES);

function operationOf({ path, method }: Route) {
  const template = path.replaceAll(/:(\w+)/g, '{$1}');
  return document.paths[template]?.[method.toLowerCase()];
}

describe('the OpenAPI document', () => {
  it.each(routes)('has %s, who may call it and what it takes and gives', (name, route) => {
    const operation = operationOf(route);
    expect(operation).toMatchObject({
      operationId: name,
      summary: route.summary,
      'x-who': route.who,
      tags: [route.service],
    });
    for (const who of route.who) expect(operation?.description).toContain(who);
    const body = operation?.requestBody?.content['application/json']?.schema;
    if (route.body) expect(body).toMatchObject({ type: 'object' });
    else expect(body).toBeUndefined();
    const answer = operation?.responses['200']?.content['application/json']?.schema;
    expect(answer).toMatchObject({ type: 'object' });
    expect(operation?.responses['default']?.content).toHaveProperty(['application/problem+json']);
  });

  it.each(routes)('names every parameter of %s', (_, route) => {
    const parameters = operationOf(route)?.parameters ?? [];
    const named = (place: string) =>
      parameters.filter((it) => it.in === place).map((it) => it.name);
    const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => name);
    expect(named('path')).toEqual(inPath);
    expect(named('query')).toEqual(Object.keys(route.query?.shape ?? {}));
  });

  it('has nothing but the routes', () => {
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
    const names = operations.map((it) => it.operationId).sort();
    expect(names).toEqual(routes.map(([name]) => name).sort());
  });

  it('refers to nothing that is not in it', () => {
    const refs = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref);
    expect(new Set(refs)).toEqual(new Set(['#/components/schemas/Problem']));
    expect(document.components.schemas).toHaveProperty('Problem');
    const [scheme = ''] = document.security.flatMap((it) => Object.keys(it));
    expect(document.components.securitySchemes).toHaveProperty(scheme);
  });

  it('lists every code', () => {
    expect(document['x-codes']).toEqual(JSON.parse(JSON.stringify(CODES)));
    expect(document['x-signing-refusals']).toEqual(SIGNING_REFUSALS);
  });
});

describe('the codes', () => {
  it.each(codes)('%s is in snake case, with a title and a status of refusal', (code, info) => {
    expect(Code.safeParse(code).success).toBe(true);
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(info.title).not.toBe('');
    expect([400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503]).toContain(info.status);
  });

  it.each(codes.filter(([, { retryable }]) => retryable))(
    'that may be retried is about now, and not about the request: %s',
    (_, { status }) => {
      expect([409, 429, 500, 503]).toContain(status);
    },
  );

  it.each(codes.filter(([, { status }]) => [429, 500, 503].includes(status)))(
    'that is about now may be retried: %s',
    (_, { retryable }) => {
      expect(retryable).toBe(true);
    },
  );
});
