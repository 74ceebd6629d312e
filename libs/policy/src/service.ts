export { type PolicyParts, PolicyModule, policyDuty } from './service/policy.module.ts';
export { PolicyCache } from './service/policy-cache.ts';
export { type By, Registry, newCredential } from './service/registry.ts';
