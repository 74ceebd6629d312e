import { ROUTES, type RouteName } from '@countersign/contracts';
import { type Json, type Place, type RightRequest, rightRequests } from '../e2e/right-requests.ts';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly schema: object;
}

interface Operation {
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: { readonly 'application/json': object } };
}

type Paths = Record<string, Record<string, Operation>>;

/** As much of an OpenAPI document as is changed here. */
export interface ApiDocument {
  readonly paths: Paths;
}

/**
 * The OpenAPI document with what is there at a place: as the example of every parameter and body, and as one of two
 * things a parameter of a path is made of.
 */
export function withExamples(document: ApiDocument, place: Place): object {
  // A freeze ends what waits, and examples are asked for in an order of their own: it is left to what is generated.
  const requests = { ...rightRequests(place), freezeAll: {} };
  const paths = structuredClone<Paths>(document.paths);
  for (const [name, { method, path }] of Object.entries(ROUTES)) {
    const operations = paths[path.replaceAll(/:([a-z]+)/g, '{$1}')];
    const operation = operations?.[method.toLowerCase()];
    if (!operations || !operation) throw new Error(`${name} is not in the document`);
    const { params = {}, query = {}, body }: RightRequest = requests[name as RouteName];
    operations[method.toLowerCase()] = {
      ...operation,
      parameters: operation.parameters.map((it) => parameterWith(it, { ...params, ...query })),
      ...(operation.requestBody &&
        body !== undefined && { requestBody: bodyWith(operation, body) }),
    };
  }
  return { ...document, paths };
}

function parameterWith(parameter: Parameter, values: Readonly<Record<string, string>>): Parameter {
  const text = values[parameter.name];
  if (text === undefined || parameter.in === 'header') return parameter;
  if (parameter.in === 'query')
    return Object.assign({ ...parameter }, { example: valueOf(parameter, text) });
  const schema = { anyOf: [{ type: 'string', enum: [text] }, parameter.schema] };
  return Object.assign({ ...parameter, schema }, { example: text });
}

/** What its schema calls a number stands as one in the document. */
function valueOf({ schema }: Parameter, text: string): Json {
  return 'type' in schema && schema.type === 'integer' ? Number(text) : text;
}

function bodyWith(
  { requestBody }: Operation,
  example: Json,
): NonNullable<Operation['requestBody']> {
  const content = { ...requestBody?.content['application/json'], example };
  return Object.assign({ ...requestBody }, { content: { 'application/json': content } });
}
