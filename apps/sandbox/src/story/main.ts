import { once } from 'node:events';
import { fiftyAtOnce, flatCap, lostAnswer } from './contrast.ts';
import { askReader } from './ask.ts';
import { AlreadyRunning } from './folder.ts';
import { Narration } from './narration.ts';
import { overKafka } from './over-kafka.ts';
import { SCENES } from './scenes.ts';
import { startStack } from './stack.ts';
import { startStandalone } from './standalone.ts';
import { type World, createWorld } from './world.ts';

const playOnce = process.argv.includes('--once');
const start = process.argv.includes('--stack') ? startStack : startStandalone;
const say = new Narration();

async function play(world: World): Promise<void> {
  say.title('One agent, governed: the stock x402 client with our scheme in it');
  say.plain('  (the policy’s windows are seconds here so that you see them pass)\n');
  for (const scene of SCENES) await scene(world, say);
  if (world.brokers) await overKafka(world, world.brokers, say);
  say.title('The same calls, ungoverned and governed, side by side');
  await lostAnswer(world, say);
  await fiftyAtOnce(world, say);
  await flatCap(world, say);
  const seconds = (say.elapsedMs() / 1000).toFixed(0);
  const { failures } = say;
  say.plain(
    failures.length === 0
      ? `\nEvery line ended as it should; ${seconds} s, checked against chain and log.`
      : `\n${failures.length} lines did not end as they should:\n- ${failures.join('\n- ')}`,
  );
  process.exitCode = failures.length === 0 ? 0 : 1;
}

function printWhereToLook(world: World): void {
  const url = world.url();
  say.title('Countersign stays up. Where to look:');
  say.plain(
    `  approvals   ${url}/approve   (credential: the text in ${world.ownerCredentialFile})`,
  );
  say.plain(`  API         ${url}/openapi.json`);
  say.plain(
    `  command     COUNTERSIGN_URL=${url} COUNTERSIGN_CREDENTIAL_FILE=${world.ownerCredentialFile} npm run countersign -- payments`,
  );
  say.plain(`  chain       ${world.chain.rpcUrl}   (anvil, chain id 84532)`);
  const { embeddings, datasets, talent } = world.sellers;
  say.plain(`  sellers     ${embeddings.url}/embed and six more; of those, people are asked about`);
  say.plain(`              ${datasets.url}/dataset/9   (you may veto it for 3 s)`);
  say.plain(`              ${talent.url}/consult/9   (waits 60 s for you to grant it)`);
  if (world.elsewhere !== undefined) say.plain(`  ${world.elsewhere}`);
  say.plain('  Ctrl-C ends it.');
}

async function main(): Promise<void> {
  const interrupted = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  say.title('Setting up a world on this machine');
  await using world = await createWorld(start, (doing) => say.doing(doing));
  await Promise.race([play(world), interrupted]);
  if (playOnce) return;
  if (process.stdin.isTTY) await Promise.race([askReader(world, say), interrupted]);
  printWhereToLook(world);
  await interrupted;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof AlreadyRunning)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
process.exit();
