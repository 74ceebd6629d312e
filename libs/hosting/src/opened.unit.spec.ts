import { expect, it } from 'vitest';
import { Opened } from './opened.ts';

it('what was opened is closed once, the last first, also after one that could not be', async () => {
  const opened = new Opened();
  const closed: string[] = [];
  opened.add(() => void closed.push('log'));
  opened.add(() => Promise.reject(new Error('stuck')));
  opened.add(async () => void closed.push('app'));
  await expect(Promise.all([opened.close(), opened.close()])).rejects.toThrow('stuck');
  expect(closed).toEqual(['app', 'log']);
});

it('a start that was given up opens nothing more', async () => {
  const opened = new Opened();
  await opened.close();
  expect(() => opened.add(() => undefined)).toThrow('shutting down');
});
