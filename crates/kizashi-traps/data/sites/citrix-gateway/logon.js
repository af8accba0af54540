window.addEventListener("load", function () {
  var name = document.forms.vpnForm.elements.login;
  name.focus();
});
