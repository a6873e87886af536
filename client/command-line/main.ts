process.stdout.write('edgesift\n');
