export { type PolicyParts, PolicyModule, policyDuty } from './service/policy.module.ts';
export { PolicyCache } from './service/policy-cache.ts';
export { ensureOwner } from './service/owner.ts';
export { type By, Registry } from './service/registry.ts';
