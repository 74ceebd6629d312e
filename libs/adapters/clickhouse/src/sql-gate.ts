import type { ClickHouseClient } from '@clickhouse/client';
import { SqlRefused } from '@countersign/ports';

/** What a person's query may read. The physical tables behind the views are not among them. */
export const PUBLIC_TABLES = ['events', 'openings', 'spend_by_day', 'spend_by_reason', 'cuts'];

/** One row with a 0: where the parser puts a SELECT without FROM. */
const NO_TABLE = 'system.one';
const PRIVATE_TABLES = /^(records|migrations|log|\.inner.*|\w+_of_records)$/;

/** Table functions that make rows out of nothing but their arguments. */
const TABLE_FUNCTIONS = ['numbers', 'generate_series', 'generateseries', 'values'];
/** Functions whose second argument may be the name of a table. */
const SET_FUNCTIONS = /^(global)?(not)?(null)?in(ignoreset)?$/i;

/** What may follow the name of an aggregate function. */
const COMBINATORS = /(if|array|distinct|ornull|ordefault|merge|state|foreach|map|argmin|argmax)+$/;

/** Families of functions that reach nothing outside their arguments. Whatever is in none of them is refused. */
const CATEGORIES = [
  'Arithmetic',
  'Arrays',
  'Bit',
  'Comparison',
  'Conditional',
  'Dates and Times',
  'Encoding',
  'Hash',
  'JSON',
  'Logical',
  'Map',
  'Mathematical',
  'Null',
  'Rounding',
  'String',
  'String Replacement',
  'String Search',
  'String Splitting',
  'Time Window',
  'Tuple',
  'Type Conversion',
  'URL',
];
/** Harmless ones of the families that hold others, too. */
const OTHERS = [
  '_cast',
  'bar',
  'formatreadablequantity',
  'formatreadablesize',
  'identity',
  'lambda',
  'runningdifference',
  'totypename',
  'transform',
  'visiblewidth',
];

/** Of the families above, but with the product of two lengths as its cost, in one go: nothing stops it. */
const UNBOUNDED = /levenshtein|editdistance/;

/** Parts of a parsed query that may occur; a new kind of clause is refused until somebody has looked at it. */
const NODES = new Set([
  'Asterisk',
  'ColumnsExceptTransformer',
  'ColumnsListMatcher',
  'ColumnsReplaceTransformer',
  'ColumnsRegexpMatcher',
  'ColumnsTransformerList',
  'ExpressionList',
  'Function',
  'Identifier',
  'InterpolateElement',
  'Literal',
  'OrderByElement',
  'QualifiedAsterisk',
  'SelectIntersectExceptQuery',
  'SelectQuery',
  'SelectWithUnionQuery',
  'Subquery',
  'TableExpression',
  'TableIdentifier',
  'TableJoin',
  'TablesInSelectQuery',
  'TablesInSelectQueryElement',
  'ArrayJoin',
  'WindowDefinition',
  'WindowListElement',
  'WithElement',
]);

/** One line of what `EXPLAIN AST` prints. */
interface Node {
  readonly kind: string;
  readonly name: string;
  readonly alias: string | undefined;
  readonly parent: Node | undefined;
  readonly children: Node[];
  /** How many children it is said to have. */
  readonly count: number;
}

/** Text, which is passed over, and names in quotes, in the engine's own spelling. */
const QUOTED = /'(?:[^'\\]|\\.)*'|([`"])(?:(?!\1)[^\\]|\\.)*\1/gs;

/** Lower-case names of the functions a person's query may call, as this engine knows them. */
export async function allowedFunctions(client: ClickHouseClient): Promise<ReadonlySet<string>> {
  const answer = await client.query({
    query: `SELECT lower(name) AS name FROM system.functions
      WHERE is_aggregate OR lower(name) IN {others:Array(String)} OR (categories != '' AND hasAll({families:Array(String)},
        arrayMap(it -> trim(it), splitByChar(',', categories))))
      UNION DISTINCT SELECT lower(name) FROM system.functions WHERE alias_to IN (
        SELECT name FROM system.functions WHERE has({families:Array(String)}, categories))`,
    query_params: { families: CATEGORIES, others: OTHERS },
    format: 'JSONEachRow',
  });
  const rows = await answer.json<{ name: string }>();
  return new Set([...rows.map(({ name }) => name), 'lambda']);
}

/**
 * Reads a person's query with the engine's own parser and gives it back in the engine's own spelling, without comments.
 * It must be one SELECT over the public tables, with functions that reach nothing else.
 *
 * @throws SqlRefused with the reason in words.
 */
export async function gated(
  client: ClickHouseClient,
  text: string,
  functions: ReadonlySet<string>,
): Promise<string> {
  const query = await spelledOut(client, text);
  for (const [quoted, mark] of query.matchAll(QUOTED))
    if (mark !== undefined && /[\\\n\r]/.test(quoted))
      throw new SqlRefused('a name in quotes holds a backslash, a quote or a line break');
  // As a subquery it can name neither a file, nor a format, nor be anything but a query.
  const root = await parsed(client, `SELECT * FROM (${query})`);
  const names = withNames(query);
  for (const node of walk(root)) check(node, functions, names);
  return query;
}

async function spelledOut(client: ClickHouseClient, text: string): Promise<string> {
  try {
    const answer = await client.query({
      query: 'SELECT formatQuerySingleLine({text:String}) AS query',
      query_params: { text: text.replace(/[;\s]+$/, '') },
      format: 'JSONEachRow',
    });
    const [row] = await answer.json<{ query: string }>();
    return row?.query ?? '';
  } catch (error) {
    throw new SqlRefused(wordsOf(error));
  }
}

async function parsed(client: ClickHouseClient, query: string): Promise<Node> {
  let lines: readonly { readonly explain: string }[];
  try {
    const answer = await client.query({
      query: `SELECT explain FROM (EXPLAIN AST ${query})`,
      format: 'JSONEachRow',
    });
    lines = await answer.json<{ explain: string }>();
  } catch {
    throw new SqlRefused('only a single SELECT is run, without INTO OUTFILE and FORMAT');
  }
  const path: Node[] = [];
  const roots: Node[] = [];
  for (const { explain } of lines) {
    const depth = explain.length - explain.trimStart().length;
    const [, kind = '', rest = ''] = /^(\w+) ?(.*)$/s.exec(explain.trim()) ?? [];
    const [, name = '', alias] =
      /^(.*?)(?: \(alias (.*?)\))?(?: \(children \d+\))?$/s.exec(rest) ?? [];
    const [, count = 0] = / \(children (\d+)\)$/.exec(explain) ?? [];
    const parent = path[depth - 1];
    const node: Node = { kind, name, alias, parent, children: [], count: Number(count) };
    path.length = depth;
    path.push(node);
    (parent?.children ?? roots).push(node);
  }
  const [root, ...others] = roots;
  if (!root) throw new SqlRefused('nothing to run');
  // Names are printed as they are: one with a line break in it prints lines of its own.
  const isWhole =
    others.length === 0 && [...walk(root)].every((it) => it.children.length === it.count);
  if (!isWhole) throw new SqlRefused('the query cannot be read');
  return root;
}

function* walk(node: Node): Generator<Node> {
  yield node;
  for (const child of node.children) yield* walk(child);
}

/**
 * Names of `WITH name AS (…)`, which the parser does not print. Read from the text, so a literal may add a name; but a name
 * without a dot leads to our own tables only, and those that are not public are never a name.
 */
function withNames(query: string): ReadonlySet<string> {
  const names = [...query.matchAll(/(?:WITH|,) (\w+) AS \(/g)].map(([, name = '']) => name);
  return new Set(names.filter((name) => !PRIVATE_TABLES.test(name)));
}

function check(node: Node, functions: ReadonlySet<string>, names: ReadonlySet<string>): void {
  if (!NODES.has(node.kind)) throw new SqlRefused(`${node.kind} is not allowed here`);
  if (node.kind === 'TableIdentifier') checkTable(node.name, names);
  if (node.kind !== 'Function') return;
  const name = node.name.toLowerCase();
  if (node.parent?.kind === 'TableExpression') {
    if (!TABLE_FUNCTIONS.includes(name))
      throw new SqlRefused(`the table function ${node.name} is not allowed`);
    return;
  }
  const isKnown = functions.has(name) || functions.has(name.replace(COMBINATORS, ''));
  if (!isKnown || UNBOUNDED.test(name))
    throw new SqlRefused(`the function ${node.name} is not allowed`);
  if (!SET_FUNCTIONS.test(name)) return;
  const set = node.children[0]?.children[1];
  if (set?.kind === 'Identifier') checkTable(set.name, names);
}

function checkTable(name: string, names: ReadonlySet<string>): void {
  if (PUBLIC_TABLES.includes(name) || names.has(name) || name === NO_TABLE) return;
  throw new SqlRefused(`there is no table ${name}; there are ${PUBLIC_TABLES.join(', ')}`);
}

/** The engine's message without its stack of scopes. */
export function wordsOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split(/\. (?:Stack trace|In scope)|\n/)[0]?.slice(0, 500) ?? '';
}
