import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import type { Bench, Line, Size } from './bench.ts';
import { bench as accept } from './accept.bench.ts';
import { bench as decide } from './decide.bench.ts';
import { bench as eventStore } from './event-store.bench.ts';
import { bench as fold } from './fold.bench.ts';
import { bench as http } from './http.bench.ts';
import { bench as paidCall } from './paid-call.bench.ts';
import { bench as size } from './size.bench.ts';
import { bench as kafka } from './stack/kafka.bench.ts';
import { bench as reserve } from './stack/reserve.bench.ts';
import { bench as services } from './stack/services.bench.ts';
import { bench as vault } from './stack/vault.bench.ts';

const BENCHES: Readonly<Record<string, Bench>> = {
  decide,
  accept,
  http,
  fold,
  size,
  'event-store': eventStore,
  'paid-call': paidCall,
};
/** On the real servers, which they start themselves. */
const STACK_BENCHES: Readonly<Record<string, Bench>> = { reserve, kafka, vault, services };
const FILE = 'docs/benchmarks.md';
const USAGE = `usage: npm run bench -- [names] [--quick] [--payments N] [--records N] [--write]
       npm run bench:stack -- [names] [--quick] [--write]

Measures both sides of each comparison in one run; trust the ratios. --write keeps the results in ${FILE}.
--payments limits how long a log fold and size are measured with, for the impatient; --records says how many the event store
gets, for the patient.
Benches: ${Object.keys(BENCHES).join(', ')}; on the real servers: ${Object.keys(STACK_BENCHES).join(', ')}`;

const HEAD = `# Benchmarks

Figures of one machine, both sides of each comparison in one run: trust the ratios, and not the absolute figures of a
machine that others used at the same time. Each section says how it was made.
`;

function machine(): string {
  const [cpu] = cpus();
  const gib = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} x ${cpu?.model.trim() ?? 'unknown'}, ${gib} GiB, Node ${process.versions.node}`;
}

function section(command: string, bench: Bench, lines: readonly Line[]): string {
  const rows = lines.map(
    ({ what, figure, beside = '', aim = '' }) => `| ${what} | ${figure} | ${beside} | ${aim} |`,
  );
  const [date] = new Date().toISOString().split('T');
  return [
    `## ${bench.title}`,
    bench.about,
    `\`npm run ${command}\`, ${date}, ${machine()}.`,
    ['| what | measured | beside it | aim |', '| --- | --- | --- | --- |', ...rows].join('\n'),
  ].join('\n\n');
}

/** Puts the section in place of the one of the same title, or at the end. */
function keep(title: string, text: string): void {
  let before = HEAD;
  try {
    before = readFileSync(FILE, 'utf8');
  } catch {
    // The first results make the file.
  }
  const [head = HEAD, ...sections] = before.split(/\n(?=## )/);
  const others = sections.map((it) => it.trim());
  const at = others.findIndex((it) => it.startsWith(`## ${title}\n`));
  if (at < 0) others.push(text);
  else others[at] = text;
  writeFileSync(FILE, `${[head.trim(), ...others].join('\n\n')}\n`);
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      write: { type: 'boolean' },
      quick: { type: 'boolean' },
      help: { type: 'boolean' },
      stack: { type: 'boolean' },
      payments: { type: 'string' },
      records: { type: 'string' },
    },
  });
  const benches = values.stack ? STACK_BENCHES : BENCHES;
  const names = positionals.length > 0 ? positionals : Object.keys(benches);
  const unknown = names.filter((name) => !Object.hasOwn(benches, name));
  if (values.help || unknown.length > 0) {
    console.log(unknown.length > 0 ? `no bench is called ${unknown.join(', ')}\n${USAGE}` : USAGE);
    return unknown.length > 0 ? 2 : 0;
  }
  const asked = {
    ...(values.payments && { paymentsMax: Number(values.payments) }),
    ...(values.records && { records: Number(values.records) }),
  };
  const size: Size = values.quick ? 'quick' : 'full';
  for (const name of names) {
    const bench = benches[name];
    if (!bench) continue;
    const command = [
      ...[values.stack ? 'bench:stack' : 'bench', '--', name],
      ...(values.payments ? ['--payments', values.payments] : []),
      ...(values.records ? ['--records', values.records] : []),
    ].join(' ');
    console.log(`\n${name}: ${bench.title}`);
    const lines = await bench.run((progress) => console.error(`  … ${progress}`), size, asked);
    for (const { what, figure, beside, aim } of lines)
      console.log(
        `  ${what}: ${figure}${beside ? ` | ${beside}` : ''}${aim ? ` (aim ${aim})` : ''}`,
      );
    if (values.write && size === 'full') keep(bench.title, section(command, bench, lines));
  }
  return 0;
}

// Whatever a bench started goes with the process, and a signal alone would not let it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => process.exit(1));
process.exitCode = await main();
