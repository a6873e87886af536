/** `npm run edgesift -- …`: the command line as it is in `client/`, from the folder in which npm was called. */
process.chdir(process.env.INIT_CWD ?? process.cwd());
await import('../client/command-line/main.ts');
