import { Command } from 'commander';
import { addSetupCommand } from '../commands/setup.ts';
import { processTerminal } from '../terminal.ts';

/** What `countersign setup` makes of arguments, and what it does not know; nothing is run. */
export function setupOptionsOf(args: readonly string[]) {
  const program = new Command();
  addSetupCommand(program, processTerminal({ plain: true }));
  const [setup] = program.commands;
  if (!setup) throw new Error('no command');
  const rest = setup.parseOptions([...args]);
  return { options: setup.opts(), ...rest };
}
