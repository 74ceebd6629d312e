import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import solc from 'solc';
import type { Abi, Hex } from 'viem';

/** What `contracts/sandbox-usdc.json` holds. The code is planted as it is and never runs a constructor. */
export interface TokenArtifact {
  readonly compiler: string;
  readonly abi: Abi;
  readonly deployedBytecode: Hex;
}

interface CompilerOutput {
  readonly errors?: readonly { readonly formattedMessage: string }[];
  readonly contracts?: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          {
            readonly abi: Abi;
            readonly evm: { readonly deployedBytecode: { readonly object: string } };
          }
        >
      >
    >
  >;
}

/** The package types its functions as `any`. */
const compiler = solc as { compile(input: string): string; version(): string };
const SOURCE_FILE = 'SandboxUsdc.sol';
const CONTRACT = 'SandboxUsdc';
const contractsFolder = new URL('./contracts/', import.meta.url);

/**
 * Compiles the token. Metadata is left out of the code, so the same source gives the same bytes on every machine.
 *
 * @throws when the compiler reports anything at all, warnings included.
 */
export function compileToken(): TokenArtifact {
  const input = {
    language: 'Solidity',
    sources: {
      [SOURCE_FILE]: { content: readFileSync(new URL(SOURCE_FILE, contractsFolder), 'utf8') },
    },
    settings: {
      evmVersion: 'cancun',
      optimizer: { enabled: true, runs: 200 },
      metadata: { appendCBOR: false },
      outputSelection: { [SOURCE_FILE]: { [CONTRACT]: ['abi', 'evm.deployedBytecode.object'] } },
    },
  };
  const output = JSON.parse(compiler.compile(JSON.stringify(input))) as CompilerOutput;
  const contract = output.contracts?.[SOURCE_FILE]?.[CONTRACT];
  if (output.errors !== undefined || contract === undefined) {
    throw new Error((output.errors ?? []).map((each) => each.formattedMessage).join('\n'));
  }
  return {
    compiler: compiler.version(),
    abi: contract.abi,
    deployedBytecode: `0x${contract.evm.deployedBytecode.object}`,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const target = new URL('sandbox-usdc.json', contractsFolder);
  writeFileSync(target, `${JSON.stringify(compileToken(), null, 2)}\n`);
}
