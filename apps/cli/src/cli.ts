import { CountersignError, GovernedPaymentError } from '@countersign/sdk';
import { Command, CommanderError } from 'commander';
import { addAgentCommands, addPersonCommands } from './commands/agents.ts';
import { addApprovalCommands } from './commands/approvals.ts';
import { addAuditCommands } from './commands/audit.ts';
import { addChangeCommands } from './commands/changes.ts';
import { addLogCommands } from './commands/log.ts';
import { addPayCommand } from './commands/pay.ts';
import { addPaymentCommands } from './commands/payments.ts';
import { addPolicyCommands } from './commands/policies.ts';
import { addProofCommands } from './commands/proofs.ts';
import { addResubmissionCommands } from './commands/resubmissions.ts';
import { addSellerCommands } from './commands/sellers.ts';
import { addSessionCommands } from './commands/sessions.ts';
import { addSetupCommand } from './commands/setup.ts';
import { addTaskCommands } from './commands/tasks.ts';
import { addWalletCommands } from './commands/wallets.ts';
import { CommandError, type Surroundings, UsageError, openIn } from './session.ts';
import { visible, visibleLines } from './text.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/**
 * Runs one command line.
 *
 * @returns the exit code: 0 done, 1 refused or failed, 2 called wrongly.
 */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const program = programIn(surroundings);
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    const { credentialFile } = program.opts<{ credentialFile?: string }>();
    return explain(
      withFile(error, credentialFile ?? surroundings.config.credentialFile),
      surroundings,
    );
  }
}

function programIn(surroundings: Surroundings): Command {
  const { config, terminal } = surroundings;
  const program = new Command('countersign')
    .description('A payment control plane for AI agents')
    .option('--url <url>', `where Countersign is (COUNTERSIGN_URL; now ${config.url})`)
    .option(
      '--credential-file <file>',
      `whose credential to use (COUNTERSIGN_CREDENTIAL_FILE; now ${config.credentialFile})`,
    )
    .option('--json', 'print answers as JSON')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
    });
  const open = openIn(surroundings);
  addPayCommand(program, open);
  addPaymentCommands(program, open);
  addApprovalCommands(program, open);
  addAgentCommands(program, open);
  addPersonCommands(program, open);
  addTaskCommands(program, open);
  addSessionCommands(program, open);
  addWalletCommands(program, open);
  addSellerCommands(program, open);
  addPolicyCommands(program, open);
  addChangeCommands(program, open);
  addAuditCommands(program, open);
  addLogCommands(program, open);
  addProofCommands(program, open);
  addResubmissionCommands(program, open);
  addSetupCommand(program, terminal);
  return program;
}

/** A credential that is not known is one of another Countersign, or an old one: its file says which. */
function withFile(error: unknown, file: string): unknown {
  if (!(error instanceof CountersignError) || error.code !== 'unauthenticated') return error;
  const detail = error.detail.replace(/[.\s]+$/, '');
  return new CommandError(error.code, `${detail}; the credential is that in ${file}`);
}

/** One clear sentence with the code; commander has already said its own. */
function explain(error: unknown, { terminal }: Surroundings): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  const failed = terminal.paint('red', 'error:');
  if (error instanceof UsageError) {
    terminal.err(`${failed} ${visibleLines(error.message).replaceAll('\n', '\n  ')}`);
    return EXIT_USAGE;
  }
  if (isCoded(error)) {
    const fields = faultsOf(error);
    // With a list of fields, the sentence is that list once more.
    const sentence = fields.length > 0 ? 'This is wrong:' : `${plain(error.message)}.`;
    terminal.err([`${failed} ${sentence} (${error.code})`, ...fields].join('\n'));
    return EXIT_FAILED;
  }
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  terminal.err(
    `${failed} ${visible(cause instanceof Error ? cause.message : String(cause))} (failed)`,
  );
  return EXIT_FAILED;
}

function plain(text: string): string {
  return visible(text).replace(/[.\s]+$/, '');
}

/** Lines of a message, such as those that show a place in YAML, stand under their field. */
function faultsOf(error: Error): readonly string[] {
  if (!(error instanceof CountersignError || error instanceof CommandError)) return [];
  return error.errors.map(
    ({ path, message }) =>
      `  ${visible(path)}: ${visibleLines(message)
        .trimEnd()
        .replaceAll(/\n(?=.)/g, '\n    ')}`,
  );
}

function isCoded(error: unknown): error is Error & { readonly code: string } {
  return (
    error instanceof CountersignError ||
    error instanceof GovernedPaymentError ||
    error instanceof CommandError
  );
}
