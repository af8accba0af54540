(function () {
  var form = document.getElementById('login');
  if (!form) return;
  form.addEventListener('submit', function (event) {
    event.preventDefault();
    fetch('/login', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ user: form.elements.user.value, password: form.elements.password.value })
    }).then(function (answer) { return answer.json(); })
      .then(function (json) { document.getElementById('failed').textContent = json.message; });
  });
})();
