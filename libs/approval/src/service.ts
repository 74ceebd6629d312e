export { type ApprovalParts, ApprovalModule, approvalDuty } from './service/approval.module.ts';
export { Approvals } from './service/approvals.ts';
