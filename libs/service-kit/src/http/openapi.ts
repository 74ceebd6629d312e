import {
  CODES,
  PATH_PARAMETERS,
  Problem,
  ROUTES,
  type Route,
  SIGNING_REFUSALS,
} from '@countersign/contracts';
import { z } from 'zod';

/** The OpenAPI 3.1 document of the whole API, made from ROUTES alone. */
export function openApiDocument(): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, route] of Object.entries<Route>(ROUTES)) {
    const path = route.path.replaceAll(/:([a-z]+)/g, '{$1}');
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = operation(name, route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Countersign',
      version: '1',
      description:
        'A payment control plane for AI agents. Amounts are decimal strings: in atomic units of the token for quotes, ' +
        'prices, withdrawals, balances and reports; in 10^-6 of their unit for tasks, sessions, costs and what is left ' +
        'to spend. The amount of a payment is a text for people, such as "0.02 USDC"; its quote has the number.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    security: [{ credential: [] }],
    paths,
    components: {
      securitySchemes: { credential: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: schemaOf(Problem, 'output') },
    },
    'x-codes': CODES,
    'x-signing-refusals': SIGNING_REFUSALS,
  };
}

function operation(name: string, route: Route): Record<string, unknown> {
  const inPath = [...route.path.matchAll(/:([a-z]+)/g)].map(([, param]) => ({
    name: param,
    in: 'path',
    required: true,
    schema: parameterSchema(param),
  }));
  const inQuery = Object.entries(route.query?.shape ?? {}).map(([param, schema]) => ({
    name: param,
    in: 'query',
    required: false,
    schema: schemaOf(schema as z.ZodType, 'input'),
  }));
  const content = { 'application/json': { schema: schemaOf(route.answer, 'output') } };
  return {
    operationId: name,
    summary: route.summary,
    description: `Callers: ${route.who.join(', ')}.`,
    tags: [route.service],
    'x-who': route.who,
    parameters: [...inPath, ...inQuery, ...(HEADERS[name] ?? [])],
    ...(route.body && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: schemaOf(route.body, 'input') } },
      },
    }),
    responses: {
      '200': { description: 'Done, or found', content },
      ...(name === 'proposePayment' && {
        '202': { description: 'Under way: people are asked, or a claim is due', content },
      }),
      default: {
        description: 'A refusal or a fault, with a stable code',
        content: {
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
        },
      },
    },
  };
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'Names the purchase; the same key with any changed field is refused',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
};
const PREFER = {
  name: 'Prefer',
  in: 'header',
  required: false,
  description: '`wait=N`: answer when the payment moved on, or after N seconds (at most 60)',
  schema: { type: 'string' },
};
const HEADERS: Readonly<Record<string, readonly object[]>> = {
  proposePayment: [IDEMPOTENCY_KEY, PREFER],
  withdraw: [IDEMPOTENCY_KEY],
};

/** @throws TypeError for a parameter without a schema: nothing in a path is taken as it comes. */
function parameterSchema(name: string | undefined): Record<string, unknown> {
  const schema = Object.entries(PATH_PARAMETERS).find(([known]) => known === name)?.[1];
  if (schema) return schemaOf(schema, 'input');
  throw new TypeError(`no schema for the path parameter ${name}`);
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return json;
}
