import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import solc from 'solc';
import type { Abi, Hex } from 'viem';

/** What `contracts/countersign-account.json` holds. */
export interface AccountArtifact {
  readonly compiler: string;
  readonly abi: Abi;
  /** Code that makes an account, to which the first owner's x and y are appended. */
  readonly bytecode: Hex;
  /** Code that every account has. */
  readonly deployedBytecode: Hex;
}

interface CompilerOutput {
  readonly errors?: readonly { readonly formattedMessage: string }[];
  readonly contracts?: Readonly<Record<string, Readonly<Record<string, Compiled>>>>;
}

interface Compiled {
  readonly abi: Abi;
  readonly evm: Readonly<Record<'bytecode' | 'deployedBytecode', { readonly object: string }>>;
}

/** The package types its functions as `any`. */
const compiler = solc as { compile(input: string): string; version(): string };
const CONTRACT = 'CountersignAccount';
const SOURCE_FILE = `${CONTRACT}.sol`;
const folder = new URL('../../contracts/', import.meta.url);

/**
 * Compiles the account. Metadata is left out of the code, so the same source gives the same bytes, and with them the
 * same addresses, on every machine.
 *
 * @throws when the compiler reports anything at all, warnings included.
 */
export function compileAccount(): AccountArtifact {
  const outputs = ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'];
  const input = {
    language: 'Solidity',
    sources: { [SOURCE_FILE]: { content: readFileSync(new URL(SOURCE_FILE, folder), 'utf8') } },
    settings: {
      evmVersion: 'cancun',
      optimizer: { enabled: true, runs: 200 },
      metadata: { appendCBOR: false },
      outputSelection: { [SOURCE_FILE]: { [CONTRACT]: outputs } },
    },
  };
  const output = JSON.parse(compiler.compile(JSON.stringify(input))) as CompilerOutput;
  const contract = output.contracts?.[SOURCE_FILE]?.[CONTRACT];
  if (output.errors !== undefined || contract === undefined)
    throw new Error((output.errors ?? []).map((each) => each.formattedMessage).join('\n'));
  const { abi, evm } = contract;
  return {
    compiler: compiler.version(),
    abi,
    bytecode: `0x${evm.bytecode.object}`,
    deployedBytecode: `0x${evm.deployedBytecode.object}`,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const target = new URL('countersign-account.json', folder);
  writeFileSync(target, `${JSON.stringify(compileAccount(), null, 2)}\n`);
}
