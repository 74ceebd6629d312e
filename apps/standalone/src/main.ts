import { once } from 'node:events';
import { SettingsInvalid } from '@countersign/hosting/telemetry';
import { shownSettings } from '@countersign/service-kit';
import pino from 'pino';
import { startStandalone } from './compose.ts';
import { type Settings, readSettings } from './config.ts';

/** Prints what the settings come to, without secrets: those are in files, or in what a URL has after its host. */
function checkConfig(settings: Settings): void {
  process.stdout.write(`${shownSettings(settings)}\n`);
}

async function main(): Promise<void> {
  const settings = readSettings();
  if (process.argv.includes('--check-config')) return checkConfig(settings);
  const log = pino({ level: settings.COUNTERSIGN_LOG_LEVEL }, pino.destination(2));
  const fatal = (error: unknown) => {
    log.error({ err: error }, 'stopping: the log can no longer be trusted');
    process.exit(70);
  };
  // As the first process of a container it would not be told to end otherwise.
  const stopped = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  const starting = startStandalone(settings, log, fatal);
  const standalone = await Promise.race([starting, stopped.then(() => undefined)]);
  // A start has changed nothing that the next one would not find whole.
  if (!standalone) process.exit(0);
  log.warn({}, 'wallet keys are in a file on this machine: for development only');
  // The one line on standard output is for programs that start this one.
  const { url, ownerCredentialFile } = standalone;
  process.stdout.write(`${JSON.stringify({ url, ownerCredentialFile })}\n`);
  await stopped;
  await standalone.close().catch(fatal);
  process.exit(0);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof SettingsInvalid)) throw error;
  process.stderr.write(`The settings cannot be used:\n${error.message}\n`);
  process.exit(78);
}
