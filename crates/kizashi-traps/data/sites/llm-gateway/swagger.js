fetch('/openapi.json')
  .then(function (answer) { return answer.json(); })
  .then(function (api) {
    var list = document.getElementById('operations');
    Object.keys(api.paths).forEach(function (path) {
      Object.keys(api.paths[path]).forEach(function (method) {
        var row = document.createElement('div');
        row.className = 'operation';
        var verb = document.createElement('b');
        verb.textContent = method.toUpperCase();
        row.appendChild(verb);
        row.appendChild(document.createTextNode(path + ' ' + api.paths[path][method].summary));
        list.appendChild(row);
      });
    });
  });
