// Goes where the refused page says.
(function () {
  var redirect = document.getElementById('redirect');
  if (redirect) {
    window.location.replace(redirect.getAttribute('data-redirect-url'));
  }
})();
