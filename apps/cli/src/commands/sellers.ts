import { Seller } from '@countersign/contracts';
import type { AnswerOf } from '@countersign/sdk';
import type { Command } from 'commander';
import { type Open, UsageError } from '../session.ts';
import { table, visible } from '../text.ts';
import { unlessWaiting } from './changes.ts';
import { readYaml } from './files.ts';

/** Sellers a person vouches for. */
export function addSellerCommands(program: Command, open: Open): void {
  const seller = program.command('seller').description('registered sellers');
  seller
    .command('register <file>')
    .description('register the seller, or list of sellers, in a YAML or JSON file')
    .action(async (file: string, _options: unknown, command: Command) => {
      const session = open(command);
      const sellers = await readSellers(file);
      const answers: ({ seller: string } & AnswerOf<'registerSeller'>)[] = [];
      for (const { seller: name, ...body } of sellers) {
        const answer = await session.call('registerSeller', { params: { seller: name }, body });
        answers.push({ seller: name, ...answer });
      }
      session.show(answers, () =>
        answers
          .map((it) => unlessWaiting(it.scheduled, `Seller ${it.seller} is registered.`))
          .join('\n'),
      );
    });
  seller
    .command('list')
    .description('all registered sellers')
    .action(async (_options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('listSellers');
      session.show(answer, () =>
        table(session.terminal, answer.sellers, {
          none: 'There are no sellers: every payee counts as unknown.',
          columns: [
            { title: 'SELLER', of: (it) => it.seller },
            { title: 'DOMAIN', of: (it) => it.domain },
            { title: 'TRUST', of: (it) => it.trust },
            { title: 'CATEGORY', of: (it) => it.category },
            { title: 'COUNTRY', of: (it) => it.jurisdiction },
            { title: 'PAID AT', of: (it) => it.payTo.map(({ address }) => address).join(', ') },
          ],
        }),
      );
    });
  seller
    .command('remove <name>')
    .description('remove a seller; it counts as unknown from then on')
    .action(async (name: string, _options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('removeSeller', { params: { seller: name } });
      session.show(answer, () => `Seller ${visible(name)} is removed.`);
    });
}

async function readSellers(file: string): Promise<Seller[]> {
  const value = await readYaml(file);
  return (Array.isArray(value) ? value : [value]).map((item) => {
    const seller = Seller.safeParse(item);
    if (seller.success) return seller.data;
    const faults = seller.error.issues.map(
      (it) => `${it.path.join('.') || '(file)'}: ${it.message}`,
    );
    throw new UsageError(`${file} holds no seller: ${visible(faults.join('; '))}`);
  });
}
