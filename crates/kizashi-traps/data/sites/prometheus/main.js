(function () {
  var form = document.getElementById('expression');
  if (!form) return;
  form.addEventListener('submit', function (event) {
    event.preventDefault();
    fetch('/api/v1/query?query=' + encodeURIComponent(form.elements.expr.value))
      .then(function (answer) { return answer.json(); })
      .then(function (json) { document.getElementById('panel').textContent = JSON.stringify(json.data.result); });
  });
})();
