import { transferSigner } from '@countersign/adapter-evm/typed-data';
import {
  type CheckedProof,
  type Finding,
  NotAProof,
  type Presented,
  bundleText,
  checkProof,
  readBundle,
} from '@countersign/audit';
import { SERVICES, findAsset } from '@countersign/contracts';
import { parsePolicyText } from '@countersign/policy/text';
import {
  type TrustedKeys,
  isByHolder,
  isGenuine,
  openCheckpoint,
  pinText,
  readPin,
  trustedBy,
} from '@countersign/service-kit';
import type { Command } from 'commander';
import { CommandError, type Open, type Session, UsageError } from '../session.ts';
import { instant, visible } from '../text.ts';
import { intoNewFile, readText } from './files.ts';

/** What auditors take away, and check where nobody of us is asked. */
export function addProofCommands(program: Command, open: Open): void {
  addKeys(program, open);
  addCheckpoint(program, open);
  addProof(program, open);
  addVerify(program, open);
}

function addKeys(program: Command, open: Open): void {
  program
    .command('keys')
    .description('public keys of the services; keep them apart from the proofs they are to check')
    .action(async (_options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('readKeys');
      session.show(answer, () => answer.keys.map((key) => visible(pinText(key))).join('\n'));
    });
}

function addCheckpoint(program: Command, open: Open): void {
  program
    .command('checkpoint')
    .description('size and root of the log, signed: whoever keeps one can tell if it is rewritten')
    .action(async (_options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('readCheckpoint');
      session.show(answer, () => answer.checkpoint.trimEnd());
    });
}

function addProof(program: Command, open: Open): void {
  program
    .command('proof <payment>')
    .description('all that is needed to check a payment offline')
    .option('--out <file>', 'write it there')
    .action(async (id: string, { out }: { out?: string }, command: Command) => {
      const session = open(command);
      const make = () => session.call('readProof', { params: { id } });
      if (out === undefined) return session.terminal.out(bundleText(await make()));
      await intoNewFile(out, { make, textOf: bundleText });
      session.show({ saved: out }, () =>
        [
          `The proof is in ${out}. Check it:`,
          '  countersign keys > countersign.keys',
          `  countersign verify ${out} --keys countersign.keys`,
        ].join('\n'),
      );
    });
}

function addVerify(program: Command, open: Open): void {
  program
    .command('verify <file>')
    .description('check a proof, offline: nobody is asked, and the decisions are run again')
    .requiredOption('--keys <file>', 'the keys to believe, as `countersign keys` prints them')
    .action(async (file: string, options: { keys: string }, command: Command) => {
      const session = open(command);
      const trusted = keysIn(await readText(options.keys), options.keys);
      const { checked, findings } = await verified(await readText(file), trusted, file);
      session.show({ findings, story: checked.story }, () => told(session, checked, findings));
      const wrong = findings.filter(({ holds }) => !holds).length;
      if (wrong > 0)
        throw new CommandError('proof_failed', `${wrong} of ${findings.length} claims do not hold`);
    });
}

async function verified(text: string, trusted: TrustedKeys, file: string) {
  try {
    const checked = checkProof(readBundle(text), {
      openCheckpoint: (note) => openedWith(trusted, note),
      isGenuine: (event, stampMs) => isGenuine(trusted, event, stampMs),
      isByHolder,
      parsePolicy: (policy) => parsePolicyText(policy).document,
    });
    const signatures = await Promise.all(checked.presented.map(signatureFinding));
    return { checked, findings: [...checked.findings, ...signatures] };
  } catch (error) {
    if (!(error instanceof NotAProof)) throw error;
    throw new CommandError('not_a_proof', `${file} is no proof: ${error.message}`);
  }
}

function openedWith(trusted: TrustedKeys, note: string) {
  for (const { service, publicKey, untilMs } of trusted.values()) {
    // A note does not say when it was signed, and a key was given an end because somebody else has it.
    const isBelieved = service === 'recorder' && untilMs === undefined;
    const opened = isBelieved ? openCheckpoint(note, publicKey) : undefined;
    if (opened) return opened;
  }
  return undefined;
}

/** An account's signature can be checked here; that of a contract only on its chain. */
async function signatureFinding({ authorization, bytes }: Presented): Promise<Finding> {
  const claim = 'the wallet signed exactly that';
  const { chainId, token, from } = authorization;
  const asset = findAsset(`eip155:${chainId}`, token);
  if (!asset) return { claim, holds: false, says: `${token} is no token we know` };
  if (bytes.length !== 132)
    return {
      claim,
      holds: true,
      says: `${from} is a contract: its chain has checked it if it was paid`,
    };
  const domain = { ...asset.domain, chainId, verifyingContract: token };
  const signer = await transferSigner(
    { ...authorization, value: BigInt(authorization.value) },
    domain,
    bytes,
  );
  const holds = signer === from;
  return { claim, holds, says: holds ? from : `${signer ?? 'nobody'} signed it, and not ${from}` };
}

/** Lines or a list of `service=key`, each key 32 bytes in base64url; `@<Unix ms>` behind a key that has an end. */
function keysIn(text: string, file: string): TrustedKeys {
  const pairs = text.split(/[\s,]+/).filter((it) => it !== '');
  const pins = pairs.map((pair) => {
    const pin = readPin(pair);
    if (!pin || !SERVICES.some((it) => it === pin.service))
      throw new UsageError(`${file}: "${visible(pair)}" is not <service>=<public key>`);
    return pin;
  });
  if (pins.length === 0) throw new UsageError(`${file} holds no keys`);
  return trustedBy(pins);
}

function told(
  { terminal }: Session,
  { story }: CheckedProof,
  findings: readonly Finding[],
): string {
  const claims = findings.map(({ claim, holds, says }) => {
    const mark = holds ? terminal.paint('green', '✓') : terminal.paint('red', '✗');
    return `${mark} ${claim}: ${visible(says)}`;
  });
  const events = story.map(({ atMs, event }) => `  ${instant(atMs)}  ${event.name}`);
  return [...claims, '', 'What was recorded:', ...events].join('\n');
}
