// Runs a server in one process per core, as Node's documentation describes: cluster.mjs FILE
import cluster from 'node:cluster';

cluster.setupPrimary({ exec: process.argv[2] });
for (let worker = 0; worker < Number(process.env.WORKERS); worker += 1) cluster.fork();
cluster.on('exit', (worker, code) => {
  console.error(`a worker has ended with ${code}`);
  process.exit(1);
});
