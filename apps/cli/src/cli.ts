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
import { visible } from './text.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/**
 * Runs one command line.
 *
 * @returns the exit code: 0 done, 1 refused or failed, 2 called wrongly.
 */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    await programIn(surroundings).parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    return explain(error, surroundings);
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

/** One clear sentence with the code; commander has already said its own. */
function explain(error: unknown, { terminal }: Surroundings): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  const failed = terminal.paint('red', 'error:');
  if (error instanceof UsageError) {
    terminal.err(`${failed} ${visible(error.message)}`);
    return EXIT_USAGE;
  }
  if (isCoded(error)) {
    const fields = error instanceof CountersignError ? error.errors : [];
    const sentence = visible(error.message).replace(/[.\s]+$/, '');
    const lines = fields.map(({ path, message }) => `  ${visible(path)}: ${visible(message)}`);
    terminal.err([`${failed} ${sentence}. (${error.code})`, ...lines].join('\n'));
    return EXIT_FAILED;
  }
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  terminal.err(
    `${failed} ${visible(cause instanceof Error ? cause.message : String(cause))} (failed)`,
  );
  return EXIT_FAILED;
}

function isCoded(error: unknown): error is Error & { readonly code: string } {
  return (
    error instanceof CountersignError ||
    error instanceof GovernedPaymentError ||
    error instanceof CommandError
  );
}
