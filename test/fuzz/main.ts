import { parseArgs } from 'node:util';
import { fuzzDoors } from './doors.ts';
import { fuzzPolicies } from './policies.ts';

const USAGE = `usage: npm run fuzz -- [--examples N] [--seed S]
       npm run fuzz -- --policies N [--seed S]

Asks a Countersign of its own what its OpenAPI document allows and forbids, with schemathesis, as its owner and as an
agent. Fails on any answer of 500 and above, on an answer that is not as its schema says, on input that should have been
refused, on an undeclared method, on a door that nobody entered, and when the process logs an error or ends.
With --policies it decides N generated payments under generated policies instead, by the engine and by the plain rules,
and fails where they differ.`;

function readOptions() {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { examples: text, policies: text, seed: text } });
  const numberOf = (given: string | undefined, fallback: number) => {
    const number = given === undefined ? fallback : Number(given);
    if (!Number.isSafeInteger(number) || number < 1) throw new Error(`not a number: ${given}`);
    return number;
  };
  return {
    examples: numberOf(values.examples, 50),
    policies: values.policies === undefined ? undefined : numberOf(values.policies, 1),
    seed: numberOf(values.seed, 1),
  };
}

function optionsOrExit(): ReturnType<typeof readOptions> {
  try {
    return readOptions();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exit(2);
  }
}

const { examples, policies, seed } = optionsOrExit();
const isWell =
  policies === undefined ? await fuzzDoors(examples, seed) : fuzzPolicies(policies, seed);
process.exitCode = isWell ? 0 : 1;
