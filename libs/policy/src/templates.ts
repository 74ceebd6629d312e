import { readFile } from 'node:fs/promises';

/** Policies to begin with; `docs/templates` has a page of why for each. */
export const TEMPLATES = [
  'dev',
  'conservative',
  'research-agent',
  'shopping',
  'micro-api',
] as const;
export type TemplateName = (typeof TEMPLATES)[number];

/** The text of a template, as `putPolicy` takes it. */
export function templateText(name: TemplateName): Promise<string> {
  return readFile(new URL(`../templates/${name}.yaml`, import.meta.url), 'utf8');
}
