/**
 * What every npm script calls: brings the packages and Node 24 if they are not there, then runs one task with them.
 *
 * Only this file is read before the version of Node is known, so it imports nothing that an old Node lacks.
 */
const NODE_MIN = 20;

if (Number(process.versions.node.split('.')[0]) < NODE_MIN) {
  console.error(
    `Countersign starts with Node ${NODE_MIN} or newer, and this is ${process.version}: install a newer one (https://nodejs.org, or "nvm install ${NODE_MIN}"), then run the same command again.`,
  );
  process.exit(1);
}

const [{ ensureInstalled }, { taskNamed, taskNames }] = await Promise.all([
  import('./install.mjs'),
  import('./tasks.mjs'),
]);

const [name, ...args] = process.argv.slice(2);
const task = taskNamed(name);
if (task) {
  const node = await ensureInstalled();
  process.exitCode = node ? await task(node, args) : 1;
} else {
  console.error(`usage: node deploy/bootstrap/run.mjs <${taskNames.join('|')}> [arguments]`);
  process.exitCode = 2;
}
