import { readFileSync } from 'node:fs';
import { openRedisBudgets } from '@countersign/adapter-redis';
import { type Composition, type Surroundings, openVault, ownKey } from '@countersign/hosting';
import { PolicyModule, Registry, policyDuty } from '@countersign/policy/service';
import type { Settings } from './config.ts';
import { Beginning } from './beginning.ts';

/** Policies, agents, sellers and people; decisions, budgets and marks. */
export async function compose(
  settings: Settings,
  surroundings: Surroundings,
): Promise<Composition> {
  const { host, clock, trusted } = surroundings;
  const vault = openVault(settings);
  const key = await ownKey(vault, 'policy', trusted);
  const budgets = await openRedisBudgets({
    url: readFileSync(settings.COUNTERSIGN_REDIS_URL_FILE, 'utf8').trim(),
    logId: host.log.logId,
  });
  const registry = new Registry(host, key);
  const { runner, marking, bookkeeping, enacting } = policyDuty({ ...surroundings, budgets, key });
  const ownerFile = settings.COUNTERSIGN_OWNER_CREDENTIAL_FILE;
  const beginning = new Beginning({ ...surroundings, registry, ownerFile });
  return {
    modules: [PolicyModule.with({ host, budgets, registry, clock })],
    duties: [marking, bookkeeping, enacting, runner, beginning],
    async close() {
      await budgets.close();
      vault.close();
    },
  };
}
